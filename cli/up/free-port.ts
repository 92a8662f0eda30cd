/** Ports of this machine. */
import { createServer } from "node:net";

/** The port when it can be listened on, else null; 0 asks for any free one. */
export function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}

/** The wanted port, or any free one where `required` is false. */
export async function choosePort(wanted: number, required: boolean): Promise<number> {
  const port = await tryPort(wanted) ?? (required ? null : await tryPort(0));
  if (port === null) throw new Error(`Cannot listen on 127.0.0.1:${wanted}: the port is in use`);
  return port;
}
