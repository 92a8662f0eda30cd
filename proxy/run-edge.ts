/** The life of an edge process: configuration, start, stop signals. The same on every runtime. */
import { ConfigError, parseConfig } from "./config.ts";
import { composeEdge } from "./compose.ts";
import type { Runtime } from "./runtime/port.ts";
import { createLogger } from "./telemetry/logtape.ts";

/** Streams end at once; requests in flight get this long. Under the two seconds that a stop may take. */
const STOP_DEADLINE_MS = 1_500;

export async function runEdge(runtime: Runtime): Promise<void> {
  let flush = () => {};
  const exit = (code: number) => {
    flush();
    runtime.exit(code);
  };
  try {
    const config = parseConfig(runtime.env, runtime.readFile);
    const logs = await createLogger({ level: config.LOG_LEVEL, writeLine: runtime.writeLine }, "edge");
    const { logger } = logs;
    flush = logs.flush;
    const edge = await composeEdge(config, { runtime, logger });
    const stop = () => edge.stop(STOP_DEADLINE_MS).then(() => exit(0), () => exit(1));
    let signals = 0;
    runtime.onStopSignal(() => {
      signals += 1;
      if (signals > 1) return exit(1);
      void stop();
    });
    if (config.EDGE_STOP_WITH_PARENT) runtime.onParentEnd(() => void stop());
  } catch (error) {
    const known = error instanceof ConfigError || (error instanceof Error && error.name === "FleetError");
    const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? `\n  ${error.hint}` : "";
    flush();
    runtime.writeLine(known ? `${(error as Error).message}${hint}` : `Cannot start the edge: ${String(error)}`);
    exit(1);
  }
}
