/** Gets a node onto its tailnet over LocalAPI alone: waits for the daemon, gives it its key once, and waits for `Running`. */
import { FleetError } from "../errors.ts";
import { redactText } from "../partner-key.ts";
import type { LocalApi, StartOptions } from "./local-api.ts";
import type { DaemonStatus } from "./local-api-schemas.ts";
import { readStatus, type TailnetState, type TailnetView, viewOf } from "./state.ts";

export interface JoinClock {
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface JoinOptions {
  api: Pick<LocalApi<never>, "status" | "start" | "login">;
  clock: JoinClock;
  /** What the node is called, and where it logs in. Without `controlUrl` at Tailscale's own. */
  node: { hostname: string; controlUrl?: string | undefined };
  /** Asked when the daemon needs a key, and not before. Null: there is none. */
  readKey: () => Promise<string | null>;
  /** How far this clock is ahead of the control server's, ms; asked at each look while logins fail. Null: not known. */
  clockSkew?: (signal: AbortSignal) => Promise<number | null>;
  /** Called with each view that differs from the one before. */
  onView?: (view: TailnetView) => void;
}

/** Answers of the daemon about itself; it asks nobody. */
const CALL_MS = 5_000;
const POLL_MS = 50;
/** After this long somebody is waiting for minutes. */
const SLOW_AFTER_POLLS = 100;
const SLOW_POLL_MS = 500;

/** What waiting does not mend: somebody has to do something first. */
const NEEDS_SOMEBODY: ReadonlySet<TailnetState> = new Set([
  "needs_key",
  "key_used",
  "key_expired",
  "key_refused",
  "stopped",
]);

/** `callMs` for one call to the daemon. */
export function callSignal(signal: AbortSignal, callMs: number = CALL_MS): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(callMs)]);
}

/**
 * Resolves with `running`, or with what somebody has to mend: another key, a daemon that was taken down. A control server
 * or a clock that is wrong is waited for, and told to `onView`. A node that is joined already stays as it is, without a key.
 * @throws the signal's reason; FleetError `tailnet_unavailable` for a daemon that refuses the orders
 */
export async function joinTailnet(options: JoinOptions, signal: AbortSignal): Promise<TailnetView> {
  const { clock, onView = () => {} } = options;
  let last: TailnetView | null = null;
  let given: string | null = null;
  let polls = 0;
  const tell = (told: TailnetView): TailnetView => {
    const view = given === null ? told : { ...told, message: redactText(told.message, [given]) };
    if (view.state !== last?.state || view.message !== last.message) onView(view);
    return last = view;
  };
  for (;; await clock.sleep(++polls < SLOW_AFTER_POLLS ? POLL_MS : SLOW_POLL_MS, signal)) {
    signal.throwIfAborted();
    const status = await ask(options, signal);
    if (status === null) {
      // What ends before it has joined forgets its key.
      given = null;
      tell(
        polls < SLOW_AFTER_POLLS
          ? viewOf("starting", "tailscaled does not answer yet.")
          : viewOf("stopped", "tailscaled does not answer."),
      );
      continue;
    }
    const view = readStatus(status, { joining: given !== null, skewMs: await skewAt(status, options, signal) });
    // A failed login of an earlier key says nothing of the one that is at hand now.
    if (given === null && status.BackendState === "NeedsLogin") {
      const key = await options.readKey();
      if (key === null) return tell(view);
      tell(viewOf("joining", "Logs in with its key."));
      await order(options, key, signal);
      given = key;
      continue;
    }
    tell(view);
    if (view.state === "running" || NEEDS_SOMEBODY.has(view.state)) return view;
  }
}

/** Null while the socket is not there. */
async function ask({ api }: JoinOptions, signal: AbortSignal): Promise<DaemonStatus | null> {
  try {
    return await api.status({ peers: false }, callSignal(signal));
  } catch (error) {
    signal.throwIfAborted();
    if (FleetError.is(error) && error.details?.status === 403) throw error;
    return null;
  }
}

function skewAt(status: DaemonStatus, options: JoinOptions, signal: AbortSignal): Promise<number | null> {
  const failed = status.Health.some((line) => line.includes("last login error"));
  return failed && options.clockSkew ? options.clockSkew(signal) : Promise.resolve(null);
}

/** `login` after `start`, always: without it the daemon stays logged out for ever. */
async function order({ api, node }: JoinOptions, key: string, signal: AbortSignal): Promise<void> {
  const prefs: StartOptions["UpdatePrefs"] = { WantRunning: true, Hostname: node.hostname, CorpDNS: false };
  if (node.controlUrl !== undefined) prefs.ControlURL = node.controlUrl;
  await api.start({ AuthKey: key, UpdatePrefs: prefs }, callSignal(signal));
  await api.login(callSignal(signal));
}
