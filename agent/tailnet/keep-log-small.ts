/** Keeps the log file of tailscaled below a bound; nobody follows its lines. */
import type { Clock } from "../comfy/clock.ts";
import type { LogFile } from "../comfy/log/log-file.ts";
import type { Logger } from "../telemetry/logger.ts";

const MAX_BYTES = 16 * 1024 * 1024;
const LOOK_MS = 10_000;

export function keepLogSmall(
  file: Pick<LogFile, "path" | "sizeBytes" | "cut">,
  { clock, logger }: { clock: Clock; logger: Logger },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  async function look(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if (file.sizeBytes() > MAX_BYTES) file.cut();
      } catch (error) {
        logger.warn("log file not cut", { path: file.path, error });
      }
      await clock.sleep(LOOK_MS, stopping.signal);
    }
  }
  const looking = look();
  return {
    stop() {
      stopping.abort();
      return looking;
    },
  };
}
