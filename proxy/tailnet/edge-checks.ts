/** What an edge finds of its own node: its daemon runs, has the edge's tag and says nothing is wrong. */
import { FleetError } from "../../contracts/errors.ts";
import { shorten } from "../../contracts/shorten.ts";
import type { RawSocket } from "../../contracts/tailnet/http-port.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { DaemonStatus } from "../../contracts/tailnet/local-api-schemas.ts";
import type { TailnetCheck } from "../../contracts/tailnet/report.ts";
import { isOldTailscaled, UPDATE_TAILSCALED } from "../../contracts/tailnet/version.ts";
import { EDGE_TAG } from "../../contracts/tailnet/words.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import { failed, ok, warning } from "../../contracts/tailnet/check-lines.ts";

export interface EdgeCheckOptions {
  api: Pick<LocalApi<RawSocket>, "status">;
  isConnected: () => boolean;
  clock: Clock;
}

const STATUS_MS = 5_000;
const MAX_CHARS = 500;
const START = "Start the edge's tailscaled, and see that TS_SOCKET names its socket and that the edge may open it.";
const JOIN = "Join it to the tailnet with a key of the tag 'tag:edge'; 'comfyfleet up --tailnet' does so by itself.";

/** The system lets only the daemon's own user, or one that it lets in, open the socket. */
function isForbidden(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && (cause.code === "EACCES" || cause.code === "EPERM");
}

function noAnswer(error: unknown): TailnetCheck {
  const known = FleetError.is(error) ? error : null;
  const why = isForbidden(error)
    ? "Cannot ask tailscaled: this edge's user may not open its socket"
    : known?.message ?? "Cannot ask tailscaled";
  const fix = known?.details?.why === "permission" ? known.hint ?? START : START;
  return failed("tailscaled", `${why}. The pods that were known are still beaten.`, fix);
}

function tagCheck({ Self }: DaemonStatus): TailnetCheck {
  const tags = Self?.Tags ?? [];
  if (tags.includes(EDGE_TAG)) return ok("tag", tags.join(", "));
  const has = tags.length === 0 ? "no tag" : tags.join(", ");
  return failed("tag", `The edge's node has ${has}, so that no pod lets it in`, JOIN);
}

function controlCheck({ Self, Health }: DaemonStatus): TailnetCheck {
  const said = shorten(Health.join(" "), MAX_CHARS);
  const fix = "Look at the control server. What is connected goes on; do not start tailscaled anew meanwhile.";
  if (Self?.Online === false) return warning("connection", `Not connected to the control server. ${said}`.trim(), fix);
  return said === "" ? ok("connection", "Connected to the control server") : warning("connection", said, fix);
}

/** Never rejects but with the signal. */
export async function checkEdge(options: EdgeCheckOptions, signal: AbortSignal): Promise<TailnetCheck[]> {
  const { api, isConnected, clock } = options;
  let status: DaemonStatus;
  try {
    const deadline = { clock, timeoutMs: STATUS_MS, signal, action: "ask tailscaled for its status" };
    status = await withDeadline(deadline, (inner) => api.status({ peers: false }, inner));
  } catch (error) {
    signal.throwIfAborted();
    return [noAnswer(error)];
  }
  const { BackendState, TUN, Version } = status;
  if (BackendState !== "Running") return [failed("tailscaled", `tailscaled is ${BackendState}`, JOIN)];
  const bus = isConnected()
    ? []
    : [warning("bus", "tailscaled's bus is not open, so that new pods are not seen", "Read the edge's log.")];
  const mode = TUN === true ? "with a kernel device" : "in userspace mode";
  const running = ok("tailscaled", `Running ${mode}, version ${Version ?? "unknown"}`);
  const old = isOldTailscaled(Version)
    ? [warning("tailscaled version", `Version ${shorten(Version ?? "", MAX_CHARS)} is too old`, UPDATE_TAILSCALED)]
    : [];
  return [running, ...old, ...bus, tagCheck(status), controlCheck(status)];
}
