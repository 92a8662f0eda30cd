import type { Logger } from "../../../agent/telemetry/logger.ts";

export type Line = [level: string, message: string, data?: Record<string, unknown>];

/** Keeps what is logged, of its children too. */
export function recordingLogger(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (message: string, data?: Record<string, unknown>) => {
    lines.push(data === undefined ? [level, message] : [level, message, data]);
  };
  const logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
    lines,
  };
  return logger;
}
