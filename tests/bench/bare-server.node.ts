/** The least HTTP server on Node: what the runtime itself costs. */
import { createServer } from "node:http";

createServer((_request, response) => response.end("hello")).listen(Number(process.argv[2]), "127.0.0.1");
