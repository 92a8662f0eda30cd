/** Ports of this machine. */
import { createServer } from "node:net";
import { FleetError } from "../../contracts/errors.ts";

const LOOPBACK = "127.0.0.1";

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Resolves to the port, a real one for 0. @throws the system's error when it cannot be listened on */
function probe(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}

/** The port when it can be listened on at 127.0.0.1, else null; 0 asks for any free one. */
export function tryPort(port: number): Promise<number | null> {
  return probe(port, LOOPBACK).catch(() => null);
}

/** The wanted port of 127.0.0.1, else any free one there. */
export async function anyPort(wanted: number): Promise<number> {
  return await tryPort(wanted) ?? await probe(0, LOOPBACK);
}

/** The edge's port, where 0 is any free one. @throws FleetError `conflict`, `invalid_input` */
export async function edgePort(port: number, host: string): Promise<number> {
  try {
    return await probe(port, host);
  } catch (cause) {
    switch (codeOf(cause)) {
      case "EADDRINUSE":
        throw new FleetError("conflict", `Cannot start the edge: port ${port} is in use`, {
          hint: "Stop what runs there, or choose another with --port.",
          cause,
        });
      case "EACCES":
        throw new FleetError("invalid_input", `Cannot start the edge: port ${port} needs rights that you have not`, {
          hint: "Choose one over 1023 with --port.",
          cause,
        });
      default:
        throw new FleetError("invalid_input", `Cannot start the edge: '${host}' is no address of this machine`, {
          hint: "Name another with --host, for example 127.0.0.1 or 0.0.0.0.",
          cause,
        });
    }
  }
}
