/**
 * What a pod can say about its own place on the tailnet. It takes no arguments and dials nobody but the edges in its own
 * netmap, on the ports where it must fail: it is no way to look around with.
 */
import type { AgentCaller } from "../../contracts/agent/caller.ts";
import { FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { DaemonStatus } from "../../contracts/tailnet/local-api-schemas.ts";
import { SHIPPED_POLICY_SHA256 } from "../../contracts/tailnet/policy.ts";
import { redactAuthKeys } from "../../contracts/tailnet/redact.ts";
import type { TailnetCheck, TailnetReport } from "../../contracts/tailnet/report.ts";
import { MAX_SKEW_MS, secondsOff, type TailnetView } from "../../contracts/tailnet/state.ts";
import { isOldTailscaled, UPDATE_TAILSCALED } from "../../contracts/tailnet/version.ts";
import { DEV_POD_TAG, POD_TAG } from "../../contracts/tailnet/words.ts";
import { failed, ok, skipped, warning } from "../../contracts/tailnet/check-lines.ts";
import { nameOf, POLICY } from "./check-words.ts";
import { edgeChecks, type EdgeDialler } from "./edge-self-checks.ts";

export interface SelfCheckOptions {
  api: EdgeDialler & Pick<LocalApi<never>, "status">;
  /** Name of the policy's app capability. */
  capability: string;
  /** Who was let in last; null: nobody yet. */
  lastCaller: () => AgentCaller | null;
  view: () => TailnetView;
  clockSkew: (signal: AbortSignal) => Promise<number | null>;
  now: () => number;
}

const STATUS_MS = 5_000;
const MAX_NAMED = 10;
/** Characters of what tailscaled says about itself. */
const MAX_SAID = 4_096;

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

async function look({ api, capability, lastCaller, view, clockSkew }: SelfCheckOptions): Promise<TailnetCheck[]> {
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
    ...versionCheck(status),
    modeCheck(status),
    tagCheck(status),
    controlCheck(status),
    clock,
    podsCheck(status),
    ...await edgeChecks(api, status),
    capabilityCheck(capability, lastCaller()),
    policyCheck(),
  ];
}

function versionCheck({ Version }: DaemonStatus): TailnetCheck[] {
  if (!isOldTailscaled(Version)) return [];
  return [warning("tailscaled version", `Version ${Version} is too old.`, UPDATE_TAILSCALED)];
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

function capabilityCheck(capability: string, last: AgentCaller | null): TailnetCheck {
  if (last === null) return skipped("capability", `${capability}: no caller yet.`);
  return ok("capability", `${capability}: the last caller came with ${rolesIn(last)}.`);
}

/** Which of the two the control server has, only its API could say. */
function policyCheck(): TailnetCheck {
  const { headscale, tailscale } = SHIPPED_POLICY_SHA256;
  const shipped = `Shipped policy SHA-256 ${headscale} (headscale), ${tailscale} (Tailscale)`;
  return skipped("policy", `${shipped}; not compared: no API here, the edge's doctor does it.`);
}

function rolesIn({ roles }: AgentCaller): string {
  return [...roles].toSorted().join(", ");
}

function callerCheck(caller: AgentCaller | null): TailnetCheck {
  if (caller === null) return skipped("caller", "Asked on this machine.");
  return ok("caller", `${caller.name} with ${rolesIn(caller)}.`);
}
