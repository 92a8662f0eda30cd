import type { Logger } from "../../../../proxy/telemetry/logger.ts";

const ignore = () => undefined;

export const silentLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
};
