/**
 * What a pod can say about its own place on the tailnet. It takes no arguments and dials nobody but the edges in its own
 * netmap, on the ports where it must fail: it is no way to look around with.
 */
import type { AgentCaller } from "../../contracts/agent/caller.ts";
import { FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { DaemonStatus, PeerStatus } from "../../contracts/tailnet/local-api-schemas.ts";
import { redactAuthKeys } from "../../contracts/tailnet/redact.ts";
import type { TailnetCheck, TailnetReport } from "../../contracts/tailnet/report.ts";
import { MAX_SKEW_MS, secondsOff, type TailnetView } from "../../contracts/tailnet/state.ts";
import { CLOSED_EDGE_PORTS, DEV_POD_TAG, EDGE_TAG, POD_TAG } from "../../contracts/tailnet/words.ts";

/** What is needed of a connection that should not have come about. */
interface Dialled {
  destroy(): unknown;
  unshift(bytes: Uint8Array): void;
}

export interface SelfCheckOptions {
  api: Pick<LocalApi<Dialled>, "status" | "dial" | "ping">;
  view: () => TailnetView;
  clockSkew: (signal: AbortSignal) => Promise<number | null>;
  now: () => number;
}

const STATUS_MS = 5_000;
const DIAL_MS = 2_000;
/** A path that no packet has taken yet loses its first one. */
const PING_MS = 2_000;
/** More edges than one fleet has. */
const MAX_EDGES = 20;
const MAX_NAMED = 10;
/** Characters of what tailscaled says about itself. */
const MAX_SAID = 4_096;
const POLICY = "Apply docker/tailnet/policy.hujson: the edge may call pods, and pods nobody.";

export function createSelfCheck(options: SelfCheckOptions): (caller: AgentCaller | null) => Promise<TailnetReport> {
  let running: Promise<TailnetCheck[]> | null = null;
  return async (caller) => {
    // Whoever asks meanwhile gets the same answer: asking more often dials no more often.
    running ??= look(options).finally(() => {
      running = null;
    });
    const checks = await running;
    return { now: toTimestamp(options.now()), checks: [...checks, callerCheck(caller)] };
  };
}

async function look({ api, view, clockSkew }: SelfCheckOptions): Promise<TailnetCheck[]> {
  const { state, message, fix } = view();
  const clock = await clockSkew(AbortSignal.timeout(STATUS_MS)).then(clockCheck);
  let status: DaemonStatus;
  try {
    status = await api.status({ peers: true }, AbortSignal.timeout(STATUS_MS));
  } catch (error) {
    const why = FleetError.is(error) ? error : null;
    return [failed("tailscaled", why?.message ?? message, why?.hint ?? fix ?? "Read tailscaled's log."), clock];
  }
  if (status.BackendState !== "Running") {
    return [failed("tailscaled", `${state}: ${message}`, fix ?? "Wait for it."), clock];
  }
  return [
    ok("tailscaled", `Version ${status.Version ?? "unknown"}. ${message}`),
    modeCheck(status),
    tagCheck(status),
    controlCheck(status),
    clock,
    podsCheck(status),
    ...await edgeChecks(api, status),
  ];
}

function modeCheck({ TUN }: DaemonStatus): TailnetCheck {
  if (TUN !== true) return ok("mode", "Userspace: callers are handed over at 127.0.0.1.");
  return failed(
    "mode",
    "tailscaled has a kernel device, so that callers do not come to 127.0.0.1.",
    "Start it with --tun=userspace-networking.",
  );
}

function tagCheck({ Self }: DaemonStatus): TailnetCheck {
  const tags = Self?.Tags ?? [];
  if (tags.includes(POD_TAG) || tags.includes(DEV_POD_TAG)) return ok("tag", tags.join(", "));
  const has = tags.length === 0 ? "no tag" : tags.join(", ");
  return failed("tag", `This node has ${has}.`, `Join with a key of ${POD_TAG}: 'comfyfleet pods enroll' mints one.`);
}

function controlCheck({ Self, Health }: DaemonStatus): TailnetCheck {
  const said = redactAuthKeys(Health.toSorted().join(" ")).slice(0, MAX_SAID);
  if (Self?.Online === false) {
    const fix = "Look at the control server; what is connected goes on, and a daemon that is started anew cannot join.";
    return warning("control server", `Not connected to the control server. ${said}`.trim(), fix);
  }
  return said === ""
    ? ok("control server", "Connected.")
    : warning("control server", said, "See what tailscaled says.");
}

function clockCheck(skewMs: number | null): TailnetCheck {
  if (skewMs === null) return skipped("clock", "The control server does not say what time it is.");
  const words = `${secondsOff(skewMs)} the control server's.`;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return ok("clock", words);
  return failed("clock", words, "Set this machine's clock (run an NTP client).");
}

function podsCheck({ Peer }: DaemonStatus): TailnetCheck {
  const pods = Peer.filter(({ Tags }) => Tags.includes(POD_TAG) || Tags.includes(DEV_POD_TAG));
  if (pods.length === 0) return ok("other pods", "None can be seen.");
  const names = pods.slice(0, MAX_NAMED).map(nameOf).join(", ");
  return failed(
    "other pods",
    `${pods.length} can be seen: ${names}${pods.length > MAX_NAMED ? " and more" : ""}.`,
    POLICY,
  );
}

async function edgeChecks(api: SelfCheckOptions["api"], { Peer }: DaemonStatus): Promise<TailnetCheck[]> {
  const edges = Peer.filter(({ Tags }) => Tags.includes(EDGE_TAG));
  if (edges.length === 0) return [warning("edge", "No edge is on this tailnet that may call this pod.", POLICY)];
  return (await Promise.all(edges.slice(0, MAX_EDGES).map((edge) => edgeCheck(api, edge)))).flat();
}

async function edgeCheck(api: SelfCheckOptions["api"], edge: PeerStatus): Promise<TailnetCheck[]> {
  const [ip] = edge.TailscaleIPs;
  const names = CLOSED_EDGE_PORTS.map((port) => `edge ${nameOf(edge)} port ${port}`);
  const skip = (why: string) => names.map((name) => skipped(name, why));
  if (ip === undefined || edge.Online === false) return skip("The edge is not online.");
  const pinged = await api.ping(ip, AbortSignal.timeout(PING_MS)).catch(() => null);
  // Without a path, silence proves nothing.
  if (pinged === null || pinged.Err) return skip("There is no path to the edge just now.");
  return await Promise.all(
    CLOSED_EDGE_PORTS.map((port, index) => portCheck(api, names[index] ?? "", { host: ip, port })),
  );
}

async function portCheck(
  api: SelfCheckOptions["api"],
  name: string,
  to: { host: string; port: number },
): Promise<TailnetCheck> {
  try {
    (await api.dial(to, AbortSignal.timeout(DIAL_MS))).destroy();
    return failed(name, "It can be reached from this pod.", POLICY);
  } catch (error) {
    const why = FleetError.is(error) ? error.details?.why : undefined;
    if (why === "silent" || why === "no_peer") return ok(name, "Closed to this pod.");
    if (why === "refused") return failed(name, "Nothing listens there, but the policy lets this pod through.", POLICY);
    return warning(name, "tailscaled ended the attempt.", "Ask again.");
  }
}

function callerCheck(caller: AgentCaller | null): TailnetCheck {
  if (caller === null) return skipped("caller", "Asked on this machine.");
  return ok("caller", `${caller.name} with ${[...caller.roles].toSorted().join(", ")}.`);
}

/** Of another machine's choice: short, for people only. */
function nameOf({ DNSName, HostName, ID }: PeerStatus): string {
  return (DNSName?.split(".")[0] || HostName || ID).slice(0, 63);
}

const ok = (name: string, message: string): TailnetCheck => ({ name, status: "ok", message, fix: null });
const skipped = (name: string, message: string): TailnetCheck => ({ name, status: "skipped", message, fix: null });
const warning = (name: string, message: string, fix: string): TailnetCheck => ({
  name,
  status: "warning",
  message,
  fix,
});
const failed = (name: string, message: string, fix: string): TailnetCheck => ({ name, status: "failed", message, fix });
