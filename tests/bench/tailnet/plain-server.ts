/** `node plain-server.ts PORT`: the least server, so that what is measured is the way to it. `/N` has N bytes. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const CHUNK = Buffer.alloc(64 * 1024, "x");

createServer(async (request, response) => {
  let left = Number(request.url?.slice(1));
  response.writeHead(200, { "content-length": left });
  while (left > 0 && !response.destroyed) {
    const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
    left -= chunk.length;
    if (response.write(chunk)) continue;
    await Promise.race([
      new Promise((resolve) => response.once("drain", resolve)),
      sleep(60_000, null, { ref: false }),
    ]);
  }
  response.end();
}).listen(Number(process.argv[2]), "127.0.0.1");
