/** The bare proxy on Node: `PORT TARGET SECRET`. */
import { serve } from "@hono/node-server";
import { createBareProxy } from "./bare-proxy.ts";

const [port, target = "", secret = ""] = process.argv.slice(2);
serve({ hostname: "127.0.0.1", port: Number(port), fetch: createBareProxy({ target, secret }).fetch });
