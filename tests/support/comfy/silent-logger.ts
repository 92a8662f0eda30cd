// A logger that keeps what it is told, for tests of the agent's parts.
import type { Logger } from "../../../agent/telemetry/logger.ts";

export type RecordedLine = { level: string; message: string; data: Record<string, unknown> | undefined };

export function createSilentLogger(lines: RecordedLine[] = []): Logger {
  const at = (level: string) => (message: string, data?: Record<string, unknown>) => {
    lines.push({ level, message, data });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => createSilentLogger(lines),
  };
}
