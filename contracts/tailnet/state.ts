/** How a node stands with its tailnet, in our words: what tailscaled's status means, and what to do about it. Pure. */
import { z } from "zod";
import type { DaemonStatus } from "./local-api-schemas.ts";
import { redactAuthKeys } from "./redact.ts";

export const TailnetState = z.enum([
  "starting",
  "joining",
  "needs_key",
  "key_used",
  "key_expired",
  "key_refused",
  "clock_skew",
  "control_down",
  "running",
  "stopped",
]);
export type TailnetState = z.infer<typeof TailnetState>;

export interface TailnetView {
  state: TailnetState;
  /** One sentence for people, without any key. */
  message: string;
  /** What to do; null where nothing is wrong. */
  fix: string | null;
}

export interface ViewContext {
  /** Whether it was told to log in with a key that it has not refused yet. */
  joining: boolean;
  /** How far this clock is ahead of the control server's, ms; null: not known. */
  skewMs: number | null;
}

/** Certificates and people's patience allow less than this. */
export const MAX_SKEW_MS = 60_000;

const NEW_KEY = "Mint another ('comfyfleet pods enroll' for a pod) and put it where the old one was.";
const FIXES: Readonly<Record<TailnetState, string | null>> = {
  starting: null,
  joining: null,
  running: null,
  needs_key: "Mint a key ('comfyfleet pods enroll' for a pod) and give its file as TS_AUTHKEY=file:PATH.",
  key_used: `A key works once. ${NEW_KEY}`,
  key_expired: `Join within the key's time. ${NEW_KEY}`,
  key_refused: `Check that the key is whole and of this control server (TS_CONTROL_URL). ${NEW_KEY}`,
  clock_skew: "Set this machine's clock (run an NTP client); it then joins by itself.",
  control_down:
    "Check TS_CONTROL_URL, DNS and the way out to it; it is tried again by itself, and a key is kept meanwhile.",
  stopped: "Start tailscaled, or 'tailscale up' where it was taken down; its log says why it ended.",
};

export function viewOf(state: TailnetState, message: string): TailnetView {
  return { state, message: redactAuthKeys(message), fix: FIXES[state] };
}

/** The words of the control server, or of the way there, when a login has failed. */
function loginErrorOf({ Health }: DaemonStatus): string | null {
  for (const line of Health) {
    const match = /last login error was: (.*)/is.exec(line);
    if (match) return match[1]?.trim() || "no reason was given";
  }
  return null;
}

const CLOCK = /certificate has expired or is not yet valid|not yet valid|CERT_NOT_YET_VALID/i;
const USED = /(?:already|been) used/i;
const EXPIRED = /key (?:has |is )?expired/i;
/** The way there: the key was not even looked at. */
const UNREACHED =
  /fetch control key|\bdial\b|connection (?:refused|reset)|no such host|time(?:d )?out|deadline|\bEOF\b|network is (?:down|unreachable)|\b5\d\d\b|bad gateway|unavailable|tls:|x509/i;

function failedLogin(why: string, skewMs: number | null): TailnetView {
  if (CLOCK.test(why)) return viewOf("clock_skew", `Cannot join: the clocks differ, or the certificate is bad: ${why}`);
  if (skewMs !== null && Math.abs(skewMs) > MAX_SKEW_MS) {
    return viewOf("clock_skew", `Cannot join: this clock is ${secondsOff(skewMs)} the control server's (${why})`);
  }
  if (USED.test(why)) return viewOf("key_used", `Cannot join: the key has been used already (${why})`);
  if (EXPIRED.test(why)) return viewOf("key_expired", `Cannot join: the key has expired (${why})`);
  if (UNREACHED.test(why)) return viewOf("control_down", `Cannot reach the control server: ${why}`);
  return viewOf("key_refused", `Cannot join: the control server refuses the key: ${why}`);
}

/** E.g. `120 s ahead of`. */
export function secondsOff(skewMs: number): string {
  return `${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? "ahead of" : "behind"}`;
}

/** What a status means. A node that runs goes on while its control server is away. */
export function readStatus(status: DaemonStatus, { joining, skewMs }: ViewContext): TailnetView {
  switch (status.BackendState) {
    case "Running":
      return viewOf("running", `Running as ${status.TailscaleIPs.join(", ") || "a node without an address"}.`);
    case "Stopped":
      return viewOf("stopped", "tailscaled was taken down ('tailscale down').");
    case "NeedsMachineAuth":
      return {
        ...viewOf("needs_key", "This device waits for a person's approval on the control server."),
        fix: "Approve it there, or mint preauthorized keys.",
      };
    case "NeedsLogin": {
      const why = loginErrorOf(status);
      if (why !== null) return failedLogin(why, skewMs);
      if (joining) return viewOf("joining", "Logs in with its key.");
      return viewOf("needs_key", "tailscaled is logged out and has no key to log in with.");
    }
    default: {
      // With a node key of its own it needs none; only the way to the control server can be wrong.
      const why = loginErrorOf(status);
      return why === null ? viewOf("starting", "tailscaled is starting.") : failedLogin(why, skewMs);
    }
  }
}
