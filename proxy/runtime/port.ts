/** What the edge needs of the JavaScript runtime. The entry points pass an implementation in; nothing sniffs for one. */

import type { AgentFetch } from "../pods/port.ts";

export interface Listener {
  hostname: string;
  /** The real port, also when 0 was asked for. */
  port: number;
  /** Takes no new connections, waits for open requests until the deadline, then cuts them. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
}

export interface Runtime {
  name: "deno" | "node";
  /** Of the runtime itself, e.g. `24.21.0`. */
  version: string;
  env: Record<string, string | undefined>;
  readFile(path: string): string;
  /**
   * @param handler gets the address of the connection's other end too
   * @throws when the address is in use or not ours
   */
  serve(
    address: { hostname: string; port: number },
    handler: (request: Request, remote: string | null) => Response | Promise<Response>,
  ): Promise<Listener>;
  /** Calls back at SIGINT and SIGTERM, every time. */
  onStopSignal(listener: () => void): void;
  /** Calls back once when standard input ends: whoever held its other end, the parent, is gone. */
  onParentEnd(listener: () => void): void;
  /** Calls agents. */
  fetch: AgentFetch;
  /** One log line to standard error, synchronously. */
  writeLine(line: string): void;
  exit(code: number): void;
}
