/** Logs as JSON lines, one per unit of work, through LogTape. */
import { configure, getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";
import { createLateLines } from "../../contracts/late-lines.ts";
import type { Logger } from "./logger.ts";

const ROOT = "comfyfleet";

/** Errors do not survive JSON.stringify by themselves; their cause chain is what an operator needs. */
function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined ? {} : { cause: plain(value.cause) };
  return { name: value.name, message: value.message, ...cause };
}

function formatLine(record: LogRecord): string {
  const { component, ...rest } = record.properties;
  const data = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, plain(value)]));
  const at = new Date(record.timestamp).toISOString();
  return JSON.stringify({ at, level: record.level, component, msg: record.rawMessage, ...data });
}

const URGENT: ReadonlySet<LogLevel> = new Set(["warning", "error", "fatal"]);

/**
 * Sets LogTape up for this process.
 * @returns the root logger, and what writes the last lines before the process ends
 */
export async function createLogger(
  options: { level: LogLevel; writeLine: (line: string) => void },
  component: string,
): Promise<{ logger: Logger; flush: () => void }> {
  const lines = createLateLines(options.writeLine);
  await configure({
    reset: true,
    sinks: {
      lines(record) {
        lines.add(() => formatLine(record));
        if (URGENT.has(record.level)) lines.flush();
      },
    },
    loggers: [
      { category: ROOT, sinks: ["lines"], lowestLevel: options.level },
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "error" },
    ],
  });
  return { logger: loggerFor({ component }), flush: lines.flush };
}

function loggerFor(fields: Record<string, unknown>): Logger {
  const logger = getLogger(ROOT);
  return {
    debug: (message, data) => logger.debug(message, { ...fields, ...data }),
    info: (message, data) => logger.info(message, { ...fields, ...data }),
    warn: (message, data) => logger.warn(message, { ...fields, ...data }),
    error: (message, data) => logger.error(message, { ...fields, ...data }),
    child: (component, data) => loggerFor({ ...fields, ...data, component }),
  };
}
