/** How long somebody who waits for a job bears an edge that is away; the job itself goes on. */
import { FleetError } from "../contracts/errors.ts";
import type { JobId } from "../contracts/ids.ts";
import type { Connection } from "./connection.ts";
import { toClientError } from "./errors.ts";
import { backoffMs, sleep } from "./retry.ts";

export interface Outage {
  /** The edge has answered. */
  over(): void;
  /** Waits before the next try. Rejects with the signal's reason when it is aborted. */
  pause(): Promise<void>;
  /**
   * Takes the failure of one try.
   * @throws what is no outage, at once; FleetError `edge_unreachable` after `outageMs` without an edge; the signal's reason
   */
  failed(error: unknown): void;
}

export function createOutage(
  { baseUrl }: Pick<Connection, "baseUrl">,
  jobId: JobId,
  { outageMs, signal }: { outageMs: number; signal: AbortSignal | undefined },
): Outage {
  let tries = 0;
  let sinceMs: number | null = null;
  return {
    over() {
      tries = 0;
      sinceMs = null;
    },
    pause: () => sleep(backoffMs(tries++), signal),
    failed(error) {
      if (signal?.aborted) throw signal.reason;
      const known = toClientError(error, baseUrl);
      if (!FleetError.is(known) || !known.retryable) throw known;
      sinceMs ??= Date.now();
      if (Date.now() - sinceMs <= outageMs) return;
      throw new FleetError("edge_unreachable", `Cannot follow job ${jobId}: the edge has been away too long`, {
        hint: `The job goes on without a watcher. Come back to it with its id, ${jobId}.`,
        cause: known,
      });
    },
  };
}
