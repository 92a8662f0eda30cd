/** A TCP relay in front of an edge whose connections a test cuts: every client's stream breaks, the edge goes on. */
import { connect, createServer, type Socket } from "node:net";

export interface CuttingRelay extends AsyncDisposable {
  readonly baseUrl: string;
  /** Resets every open connection, and returns how many there were. New ones pass. */
  cut(): number;
}

export async function startRelay(target: string): Promise<CuttingRelay> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    sockets.add(near);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.pipe(far);
    far.pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.on("close", () => {
      sockets.delete(near);
      far.destroy();
    });
    far.on("close", () => near.destroy());
  });
  const listening = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no address"));
      else resolve(address.port);
    });
  });
  function cut(): number {
    const open = [...sockets];
    for (const socket of open) socket.resetAndDestroy();
    return open.length;
  }
  return {
    baseUrl: `http://127.0.0.1:${listening}`,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
