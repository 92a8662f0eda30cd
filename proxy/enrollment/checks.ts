/** What a look at the control server finds, for `tailnet.status`: it answers, the policy in force, orphaned devices. */
import { createHash } from "node:crypto";
import { toFleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import { shorten } from "../../contracts/shorten.ts";
import { SHIPPED_POLICY_SHA256 } from "../../contracts/tailnet/policy.ts";
import { ok, skipped, warning } from "../../contracts/tailnet/check-lines.ts";
import type { TailnetCheck } from "../../contracts/tailnet/report.ts";
import type { EnrolmentStore } from "../store/enrolment-store.ts";
import type { PodStore } from "../store/pod-store.ts";
import type { Clock } from "../time/clock.ts";
import { findOrphans, isOwn } from "./orphans.ts";
import type { ControlApi, Device } from "./port.ts";

export interface CheckOptions {
  store: Pick<PodStore, "listActivePods"> & Pick<EnrolmentStore, "findEnrolments">;
  control: ControlApi | null;
  orphanGraceMs: number;
  clock: Clock;
}

/** Orphans that get a line of their own. */
const MAX_NAMED = 20;
const NAME = "control server";
export const SET_CONTROL = "Set HEADSCALE_URL and HEADSCALE_API_KEY on the edge, or TAILSCALE_OAUTH_CLIENT_ID and " +
  "TAILSCALE_OAUTH_CLIENT_SECRET.";

function fixOf({ online }: Device, own: boolean, graceMs: number): string {
  if (!own) {
    return "No key of this fleet: it is left alone. If it is no other fleet's, delete it at the control server.";
  }
  if (online === true) {
    return "It joined with a key of this fleet and is none of its pods: see who had the key, and delete the device there.";
  }
  const minutes = Math.ceil(graceMs / 60_000);
  return `It is deleted once it has been away for ${minutes} min; until then nobody need do anything.`;
}

function orphanCheck(device: Device, own: boolean, graceMs: number): TailnetCheck {
  const { hostname, online, lastSeenAtMs } = device;
  const seen = online === true ? "online" : `last seen ${lastSeenAtMs === null ? "never" : toTimestamp(lastSeenAtMs)}`;
  const message = `has a pod's tag and is no pod of this fleet (${seen})`;
  return warning(`device ${shorten(hostname, 63)}`, message, fixOf(device, own, graceMs));
}

async function orphanChecks(options: CheckOptions, control: ControlApi, signal: AbortSignal): Promise<TailnetCheck[]> {
  const { store, clock, orphanGraceMs: graceMs } = options;
  const devices = await control.listDevices(signal);
  const orphans = findOrphans(devices, await store.listActivePods(), { nowMs: clock.nowMs(), graceMs });
  if (orphans.length === 0) {
    return [ok("devices", "every device with a pod's tag is a pod")];
  }
  const more = orphans.length - MAX_NAMED;
  const rest: TailnetCheck[] = more <= 0 ? [] : [{
    name: "devices",
    status: "warning",
    message: `${more} more devices have a pod's tag and are no pods of this fleet`,
    fix: "Look at the control server's list of devices.",
  }];
  const named = await Promise.all(
    orphans.slice(0, MAX_NAMED).map(async (device) => orphanCheck(device, await isOwn(store, device), graceMs)),
  );
  return [...named, ...rest];
}

async function policyCheck(control: ControlApi, signal: AbortSignal): Promise<TailnetCheck> {
  const sha256 = createHash("sha256").update(await control.policy(signal)).digest("hex");
  if (sha256 === SHIPPED_POLICY_SHA256[control.kind]) {
    return { name: "policy", status: "ok", message: `is the one that is shipped (${sha256})`, fix: null };
  }
  return {
    name: "policy",
    status: "warning",
    message: `is not the one that is shipped (SHA-256 ${sha256}; shipped: ${SHIPPED_POLICY_SHA256[control.kind]})`,
    fix: "Compare it with docker/tailnet. One that names people differs; 'tailnet check' tries what it opens.",
  };
}

/** Never rejects but with the signal: what cannot be asked is a line too. */
export async function checkControl(options: CheckOptions, signal: AbortSignal): Promise<TailnetCheck[]> {
  const { control } = options;
  if (control === null) {
    const { headscale, tailscale } = SHIPPED_POLICY_SHA256;
    const shipped = `shipped is SHA-256 ${headscale} (headscale), ${tailscale} (Tailscale)`;
    return [
      skipped(NAME, "no API of one is configured: no pod can be enrolled"),
      skipped("policy", `${shipped}; not compared: no API of one is configured`),
    ];
  }
  try {
    const devices = await orphanChecks(options, control, signal);
    const answers: TailnetCheck = { name: NAME, status: "ok", message: `${control.kind}'s API answers`, fix: null };
    const policy = await policyCheck(control, signal).catch((error: unknown): TailnetCheck => {
      signal.throwIfAborted();
      const { message } = toFleetError(error);
      // A client without that scope can do all the rest.
      return { name: "policy", status: "skipped", message, fix: null };
    });
    return [answers, policy, ...devices];
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = toFleetError(error);
    return [{ name: NAME, status: "failed", message, fix: hint ?? SET_CONTROL }];
  }
}
