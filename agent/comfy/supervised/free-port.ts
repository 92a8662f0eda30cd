/** Ports on 127.0.0.1: a free one, and whether a given one is free. */
import { createServer } from "node:net";

/** The port itself when it is free, a free one for 0, null when somebody listens on it. */
export function claimPort(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if ("code" in error && error.code === "EADDRINUSE") resolve(null);
      else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
    });
  });
}
