/**
 * `node relay.ts BYTES_PER_SECOND LISTEN:TARGET…`: a TCP relay on 127.0.0.1 that lets no more than that come back from
 * each target, over all of its connections together: a network link of that rate.
 */
import { connect, createServer, type Socket } from "node:net";

const [rate = "", ...links] = process.argv.slice(2);
const bytesPerMs = Number(rate) / 1_000;
/** A link that was idle for long has saved no more than this. */
const BURST_MS = 5;

function throttled(): (from: Socket, to: Socket) => void {
  let freeAtMs = 0;
  return (from, to) => {
    from.on("data", (chunk: Buffer) => {
      const nowMs = performance.now();
      freeAtMs = Math.max(freeAtMs, nowMs - BURST_MS) + chunk.length / bytesPerMs;
      const isFull = !to.write(chunk);
      const waitMs = freeAtMs - nowMs;
      if (!isFull && waitMs < 1) return;
      from.pause();
      const drained = isFull ? new Promise<void>((resolve) => to.once("drain", resolve)) : Promise.resolve();
      const due = new Promise<void>((resolve) => setTimeout(resolve, waitMs));
      void Promise.all([drained, due]).then(() => from.resume());
    });
  };
}

for (const link of links) {
  const [listen, target] = link.split(":").map(Number);
  const pass = throttled();
  createServer((near) => {
    const far = connect(target ?? 0, "127.0.0.1");
    for (const socket of [near, far]) socket.setNoDelay(true);
    near.pipe(far);
    pass(far, near);
    far.on("end", () => near.end());
    far.on("error", () => near.destroy());
    near.on("error", () => far.destroy());
    near.on("close", () => far.destroy());
  }).listen(listen, "127.0.0.1");
}
process.once("SIGTERM", () => process.exit(0));
