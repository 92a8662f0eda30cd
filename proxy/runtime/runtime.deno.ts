/** The edge on Deno. */
import { CONFIG_NAMES } from "../config.ts";
import type { Listener, Runtime } from "./port.ts";

/** Whether the work ended in time; what it rejects with counts as an end. */
function endsWithin(work: Promise<void>, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), deadlineMs);
    const end = () => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(end, end);
  });
}

export function createDenoRuntime(): Runtime {
  const encoder = new TextEncoder();
  return {
    name: "deno",
    version: Deno.version.deno,
    env: Object.fromEntries(CONFIG_NAMES.map((name) => [name, Deno.env.get(name)])),
    readFile: (path) => Deno.readTextFileSync(path),
    serve(address, handler): Promise<Listener> {
      const cut = new AbortController();
      const options = { ...address, signal: cut.signal, onListen() {} };
      const server = Deno.serve(options, (request, { remoteAddr }) => handler(request, remoteAddr.hostname));
      let stopping: Promise<void> | null = null;
      const stop = async (deadlineMs: number) => {
        if (!(await endsWithin(server.shutdown(), deadlineMs))) cut.abort();
      };
      return Promise.resolve({
        hostname: address.hostname,
        port: server.addr.port,
        stop: (deadlineMs) => stopping ??= stop(deadlineMs),
      });
    },
    onStopSignal(listener) {
      Deno.addSignalListener("SIGINT", listener);
      Deno.addSignalListener("SIGTERM", listener);
    },
    onParentEnd(listener) {
      Deno.stdin.readable.pipeTo(new WritableStream()).then(listener, listener);
    },
    fetch: globalThis.fetch,
    writeLine(line) {
      Deno.stderr.writeSync(encoder.encode(`${line}\n`));
    },
    exit: (code) => Deno.exit(code),
  };
}
