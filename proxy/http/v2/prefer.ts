/** The `Prefer` header of RFC 7240, of which `wait` is understood: how long a GET of an unfinished job may be held. */
import { MAX_JOB_WAIT_MS } from "../../../contracts/edge/inputs.ts";

const WAIT = /^wait\s*=\s*(?:(\d{1,9})|"(\d{1,9})")(?:\s*;.*)?$/i;

/** Ms, at most the longest that a job is waited for; null without a preference that is one. The first counts. */
export function preferredWaitMs(header: string | null): number | null {
  for (const preference of (header ?? "").split(",")) {
    const [, bare, quoted] = WAIT.exec(preference.trim()) ?? [];
    const seconds = bare ?? quoted;
    if (seconds !== undefined) return Math.min(Number(seconds) * 1_000, MAX_JOB_WAIT_MS);
  }
  return null;
}
