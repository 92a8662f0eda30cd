/** How long somebody who follows something bears an edge that is away; what is followed goes on by itself. */
import { FleetError } from "../contracts/errors.ts";
import { toClientError } from "./errors.ts";
import { backoffMs, sleep } from "./retry.ts";

export interface OutageOptions {
  baseUrl: string;
  /** What is given up after an outage, for the message: "Cannot follow …". */
  what: string;
  hint: string;
  /** Who is away then. @default "the edge" */
  far?: string;
  signal?: AbortSignal | undefined;
  outageMs: number;
}

export interface Outage {
  /** The edge has answered. */
  over(): void;
  /** Waits before the next try. Rejects with the signal's reason when it is aborted. */
  pause(): Promise<void>;
  /**
   * Takes the failure of one try.
   * @throws what is not retryable, at once; FleetError `edge_unreachable` after `outageMs` without an edge; the signal's
   * reason when it is aborted
   */
  failed(error: unknown): void;
}

export function createOutage({ baseUrl, what, hint, far = "the edge", signal, outageMs }: OutageOptions): Outage {
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
      const message = `Cannot follow ${what}: ${far} has been away too long`;
      throw new FleetError("edge_unreachable", message, { hint, cause: known });
    },
  };
}
