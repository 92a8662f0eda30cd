/** How far this machine's clock is from the control server's, by the `date` header of whatever it answers. */

export const TAILSCALE_CONTROL_URL = "https://controlplane.tailscale.com";

export interface SkewOptions {
  fetch: (url: string, init: { method: "HEAD"; redirect: "manual"; signal: AbortSignal }) => Promise<Response>;
  /** Milliseconds since the epoch. */
  now: () => number;
  controlUrl?: string | undefined;
}

const ANSWER_MS = 3_000;
const KEPT_MS = 30_000;

/** The header has whole seconds, cut off; half of one is in the middle. */
const HALF_SECOND_MS = 500;

/**
 * How far this clock is ahead, in ms, give or take a second; null where the server does not answer or says no time. What
 * was found is kept for half a minute.
 */
export function createSkewProbe(options: SkewOptions): (signal: AbortSignal) => Promise<number | null> {
  let known: { atMs: number; skewMs: number | null } | null = null;
  return async (signal) => {
    const atMs = options.now();
    if (known === null || Math.abs(atMs - known.atMs) > KEPT_MS) known = { atMs, skewMs: await look(options, signal) };
    return known.skewMs;
  };
}

async function look(
  { fetch, now, controlUrl = TAILSCALE_CONTROL_URL }: SkewOptions,
  signal: AbortSignal,
): Promise<number | null> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const sentMs = now();
  try {
    const response = await fetch(controlUrl, { method: "HEAD", redirect: "manual", signal: inTime });
    await response.body?.cancel();
    const theirsMs = Date.parse(response.headers.get("date") ?? "");
    if (Number.isNaN(theirsMs)) return null;
    return Math.round((sentMs + now()) / 2 - theirsMs - HALF_SECOND_MS);
  } catch {
    // Nobody there, or the certificate is not valid at this clock's time: the daemon says the same in its own words.
    return null;
  }
}
