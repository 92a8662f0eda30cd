/** One line of `doctor`. */

export interface Check {
  name: string;
  /** `warning` is worth knowing and stops nothing; `skipped` could not be looked at, or need not be. */
  status: "ok" | "warning" | "failed" | "skipped";
  message: string;
  /** What to do; of every check that failed. */
  fix: string | null;
}

export function ok(name: string, message: string): Check {
  return { name, status: "ok", message, fix: null };
}

export function warning(name: string, message: string, fix: string): Check {
  return { name, status: "warning", message, fix };
}

export function failed(name: string, message: string, fix: string): Check {
  return { name, status: "failed", message, fix };
}

export function skipped(name: string, message: string): Check {
  return { name, status: "skipped", message, fix: null };
}

/** Clocks further apart make times in logs and lists misleading. */
const MAX_SKEW_MS = 5_000;

/** @param sentMs and `gotMs` bound the moment at which the other clock was read. */
export function clockCheck(
  name: string,
  theirsMs: number,
  { sentMs, gotMs, roundedMs = 0 }: { sentMs: number; gotMs: number; roundedMs?: number },
): Check {
  const behindMs = sentMs - (theirsMs + roundedMs);
  const aheadMs = theirsMs - gotMs;
  const skewMs = Math.max(behindMs, aheadMs, 0);
  if (skewMs <= MAX_SKEW_MS) return ok(name, `agrees with this machine's to ${MAX_SKEW_MS / 1_000} s`);
  const way = behindMs > aheadMs ? "behind" : "ahead of";
  const message = `is ${Math.round(skewMs / 1_000)} s ${way} this machine's`;
  return failed(name, message, "Have both machines set their clocks by NTP, and look which of them is wrong.");
}
