/** What a pod finds of the edges in its netmap: how packets get there, and that their ports are closed to it. */
import { FleetError } from "../../contracts/errors.ts";
import { OPEN_UDP } from "../../contracts/pod-health.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { DaemonStatus, PeerStatus, PingResult } from "../../contracts/tailnet/local-api-schemas.ts";
import type { TailnetCheck } from "../../contracts/tailnet/report.ts";
import { CLOSED_EDGE_PORTS, EDGE_TAG } from "../../contracts/tailnet/words.ts";
import { failed, ok, skipped, warning } from "../../contracts/tailnet/check-lines.ts";
import { nameOf, POLICY } from "./check-words.ts";

/** What is needed of a connection that should not have come about. */
interface Dialled {
  destroy(): unknown;
  unshift(bytes: Uint8Array): void;
}

export type EdgeDialler = Pick<LocalApi<Dialled>, "dial" | "ping">;

const DIAL_MS = 2_000;
/** A path that no packet has taken yet loses its first one. */
const PING_MS = 2_000;
/** More edges than one fleet has. */
const MAX_EDGES = 20;

export async function edgeChecks(api: EdgeDialler, { Peer }: DaemonStatus): Promise<TailnetCheck[]> {
  const edges = Peer.filter(({ Tags }) => Tags.includes(EDGE_TAG));
  if (edges.length === 0) return [warning("edge", "No edge is on this tailnet that may call this pod.", POLICY)];
  return (await Promise.all(edges.slice(0, MAX_EDGES).map((edge) => edgeCheck(api, edge)))).flat();
}

async function edgeCheck(api: EdgeDialler, edge: PeerStatus): Promise<TailnetCheck[]> {
  const [ip] = edge.TailscaleIPs;
  const name = `edge ${nameOf(edge)}`;
  const ports = CLOSED_EDGE_PORTS.map((port) => `${name} port ${port}`);
  const skip = (why: string) => [`${name} path`, ...ports].map((one) => skipped(one, why));
  if (ip === undefined || edge.Online === false) return skip("The edge is not online.");
  const pinged = await api.ping(ip, AbortSignal.timeout(PING_MS)).catch(() => null);
  // Without a path, silence proves nothing.
  if (pinged === null || pinged.Err) return skip("There is no path to the edge just now.");
  const closed = CLOSED_EDGE_PORTS.map((port, index) => portCheck(api, ports[index] ?? "", { host: ip, port }));
  return [pathCheck(`${name} path`, pinged), ...await Promise.all(closed)];
}

function pathCheck(name: string, { Endpoint, DERPRegionCode, PeerRelay, LatencySeconds }: PingResult): TailnetCheck {
  const latency = LatencySeconds == null ? "" : `, ${(LatencySeconds * 1_000).toFixed(1)} ms`;
  const relay = DERPRegionCode || PeerRelay || null;
  if (relay === null && Endpoint) return ok(name, `Direct${latency}.`);
  return warning(name, `By the relay '${(relay ?? "?").slice(0, 63)}'${latency}.`, OPEN_UDP);
}

async function portCheck(
  api: EdgeDialler,
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
