/** What an edge knows of its pods on the tailnet, and what it finds when it tries what must be closed. */
import { FleetError, toFleetError } from "../../contracts/errors.ts";
import { conditionFix, conditionOf } from "../../contracts/pod-health.ts";
import { shorten } from "../../contracts/shorten.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { TailnetCheck, TailnetReport } from "../../contracts/tailnet/report.ts";
import { MAX_SKEW_MS, secondsOff } from "../../contracts/tailnet/state.ts";
import { CLOSED_POD_PORTS } from "../../contracts/tailnet/words.ts";
import { toAgentError } from "../pods/agent-error.ts";
import type { Agents } from "../pods/port.ts";
import type { PodRow } from "../store/pod-store.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import { failed, ok, skipped, warning } from "../../contracts/tailnet/check-lines.ts";
import type { Member } from "./membership.ts";
import type { Path } from "./paths.ts";
import type { TailnetPeer } from "./peers.ts";
import { readSelfReport } from "./self-report.ts";

/** What is needed of a connection that should not have come about. */
interface Dialled {
  destroy(): unknown;
  unshift(bytes: Uint8Array): void;
}

export interface PodCheckOptions {
  api: Pick<LocalApi<Dialled>, "dial">;
  agents: Pick<Agents, "client">;
  clock: Clock;
}

export interface CheckedPod {
  member: Pick<Member, "podId" | "name">;
  peer: TailnetPeer;
}

/** What is closed answers nothing, so a try lasts this long. */
const DIAL_MS = 2_000;
/** The pod's own tries are of two seconds too. */
const SELF_CHECK_MS = 15_000;
const MAX_NAME_CHARS = 63;
const POLICY = "Apply docker/tailnet/policy.hujson: from the edge to pods, and nothing but the agent's port.";

/** Of the pod's choice. */
export function named({ name }: CheckedPod["member"]): string {
  return `pod ${shorten(name, MAX_NAME_CHARS)}`;
}

/** From the row and the pings of before: nothing is asked. Pure. */
export function knownOfPod(pod: CheckedPod, row: PodRow | undefined, path: Path): TailnetCheck[] {
  const name = named(pod.member);
  const latency = path.latencyMs === null ? "" : `, ${path.latencyMs.toFixed(1)} ms`;
  const relay = conditionFix({ name, conditions: [], capability: null }, relayed(), "comfyfleet");
  const way = {
    direct: ok(`${name} path`, `Direct${latency}`),
    relay: warning(`${name} path`, `By the relay '${path.relay ?? "?"}'${latency}`, relay),
    unknown: skipped(`${name} path`, "No ping has been answered yet"),
  }[path.kind];
  return [way, letsIn(name, row)];
}

function relayed() {
  return { type: "PathDirect", status: "false", reason: "Relayed", message: "", since: "" } as const;
}

function letsIn(pod: string, row: PodRow | undefined): TailnetCheck {
  const name = `${pod} capability`;
  const reachable = row && conditionOf(row, "Reachable");
  if (reachable?.status === "true") return ok(name, "The agent lets this edge in");
  if (reachable?.reason !== "Forbidden") return skipped(name, "The agent has not answered lately");
  const fix = conditionFix({ name: row?.name ?? "", conditions: [], capability: null }, reachable, "comfyfleet");
  return failed(name, reachable.message, fix);
}

async function closedPort(options: PodCheckOptions, pod: CheckedPod, port: number): Promise<TailnetCheck> {
  const name = `${named(pod.member)} port ${port}`;
  const late = new AbortController();
  const timer = new AbortController();
  void options.clock.sleep(DIAL_MS, timer.signal).then(() => timer.signal.aborted || late.abort());
  try {
    (await options.api.dial({ host: pod.peer.ip, port }, late.signal)).destroy();
    return failed(name, "It can be reached from this edge", POLICY);
  } catch (error) {
    const why = FleetError.is(error) ? error.details?.why : undefined;
    if (why === "silent") return ok(name, "Closed to this edge");
    if (why === "refused") return failed(name, "Nothing listens there, but the policy lets this edge through", POLICY);
    return warning(name, "It could not be tried", "Look at the lines of tailscaled, and check again.");
  } finally {
    timer.abort("tried");
  }
}

/** What the pod says of itself, and how far its clock is off. */
async function ownWords(
  { agents, clock }: PodCheckOptions,
  { member }: CheckedPod,
  signal: AbortSignal,
): Promise<TailnetCheck[]> {
  const name = named(member);
  let report: TailnetReport;
  const deadline = { clock, timeoutMs: SELF_CHECK_MS, signal, action: "ask the pod to check itself" };
  try {
    report = readSelfReport(
      await withDeadline(
        deadline,
        (inner) => agents.client(member.podId).tailnet.selfCheck.query(undefined, { signal: inner }),
      ),
    );
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = toFleetError(toAgentError(error));
    return [
      failed(`${name} itself`, message, hint ?? "Check that the pod runs, and that its agent lets this edge in."),
    ];
  }
  const skewMs = Date.parse(report.now) - clock.nowMs();
  const words = `${secondsOff(skewMs)} this edge's`;
  const clockLine = Math.abs(skewMs) <= MAX_SKEW_MS
    ? ok(`${name} clock`, words)
    : failed(`${name} clock`, words, "Set the clock of pod or edge (run an NTP client).");
  return [clockLine, ...report.checks.map((check) => ({ ...check, name: `${name}: ${check.name}` }))];
}

/** @throws the signal's reason when aborted */
export async function checkPod(
  options: PodCheckOptions,
  pod: CheckedPod,
  signal: AbortSignal,
): Promise<TailnetCheck[]> {
  const own = await ownWords(options, pod, signal);
  // Of a pod that does not answer, silence on a port proves nothing.
  if (own[0]?.name.endsWith(" itself")) {
    const why = "The pod does not answer, so that silence proves nothing";
    return [...own, ...CLOSED_POD_PORTS.map((port) => skipped(`${named(pod.member)} port ${port}`, why))];
  }
  const ports = await Promise.all(CLOSED_POD_PORTS.map((port) => closedPort(options, pod, port)));
  return [...ports, ...own];
}
