/** How many requests a tenant may send: a bucket of tokens each, in memory, filled evenly. */
import { FleetError } from "../../../contracts/errors.ts";
import type { TenantId } from "../../../contracts/ids.ts";
import type { Clock } from "../../time/clock.ts";

export interface RateLimit {
  /** Takes one token. @throws FleetError `rate_limited` with the time until there is one */
  take(tenantId: TenantId): void;
}

export interface RateLimitOptions {
  /** Requests a second that a tenant may send for ever; it may send twice as many at once. */
  perSecond: number;
  clock: Pick<Clock, "monotonicMs">;
}

/** Buckets that are full again say nothing, and are looked for once there are so many. */
const SWEEP_AT = 1_000;

export function createRateLimit({ perSecond, clock }: RateLimitOptions): RateLimit {
  const capacity = 2 * perSecond;
  const buckets = new Map<TenantId, { tokens: number; atMs: number }>();
  let sweepAt = SWEEP_AT;

  function sweep(nowMs: number): void {
    for (const [tenantId, { tokens, atMs }] of buckets) {
      if (tokens + (nowMs - atMs) * perSecond / 1_000 >= capacity) buckets.delete(tenantId);
    }
    sweepAt = Math.max(SWEEP_AT, 2 * buckets.size);
  }

  return {
    take(tenantId) {
      const nowMs = clock.monotonicMs();
      const bucket = buckets.get(tenantId) ?? { tokens: capacity, atMs: nowMs };
      bucket.tokens = Math.min(capacity, bucket.tokens + (nowMs - bucket.atMs) * perSecond / 1_000);
      bucket.atMs = nowMs;
      buckets.set(tenantId, bucket);
      if (bucket.tokens < 1) {
        throw new FleetError("rate_limited", `Cannot take the request: more than ${perSecond} a second`, {
          hint: "Wait as long as Retry-After says; a held GET of a job needs no polling in between.",
          retryAfterMs: (1 - bucket.tokens) * 1_000 / perSecond,
        });
      }
      bucket.tokens -= 1;
      if (buckets.size > sweepAt) sweep(nowMs);
    },
  };
}
