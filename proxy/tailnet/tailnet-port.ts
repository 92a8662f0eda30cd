/** `tailnet.status` and `tailnet.check`. */
import type { TailnetPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import { MAX_CHECKS, type TailnetCheck } from "../../contracts/tailnet/report.ts";
import type { PodStore } from "../store/pod-store.ts";
import { skipped, warning } from "../../contracts/tailnet/check-lines.ts";
import { checkEdge, type EdgeCheckOptions } from "./edge-checks.ts";
import type { Members } from "./membership.ts";
import type { Paths } from "./paths.ts";
import { type CheckedPod, checkPod, knownOfPod, named, type PodCheckOptions } from "./pod-checks.ts";

export interface TailnetPortOptions extends Omit<EdgeCheckOptions, "api">, Omit<PodCheckOptions, "api"> {
  api: EdgeCheckOptions["api"] & PodCheckOptions["api"];
  members: Pick<Members, "all">;
  paths: Pick<Paths, "of">;
  store: Pick<PodStore, "listActivePods">;
  /** What the control server says. */
  moreChecks: (signal: AbortSignal) => Promise<TailnetCheck[]>;
}

/** Pods that are tried at the same time: each takes some four seconds, and fifteen where it is silent. */
const AT_ONCE = 32;
/** All of it: somebody waits. */
const CHECK_MS = 60_000;

function report(checks: TailnetCheck[], nowMs: number) {
  return { now: toTimestamp(nowMs), checks: checks.slice(0, MAX_CHECKS) };
}

export function createTailnetPort(options: TailnetPortOptions): TailnetPort {
  const { members, paths, store, clock, moreChecks } = options;
  return {
    async status(signal) {
      const pods = members.all().slice(0, MAX_CHECKS);
      const [own, more, rows] = await Promise.all([
        checkEdge(options, signal),
        moreChecks(signal),
        store.listActivePods(),
      ]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      const known = pods.flatMap(({ member, peer }) =>
        knownOfPod({ member, peer }, byId.get(member.podId), paths.of(peer.stableId))
      );
      const ways = pods.map(({ member, peer }) => {
        const { kind, latencyMs } = paths.of(peer.stableId);
        return { podId: member.podId, path: kind, latencyMs };
      });
      return { ...report([...own, ...more, ...known], clock.nowMs()), pods: ways };
    },
    async check(signal) {
      const waiting = members.all();
      const found = [...await checkEdge(options, signal)];
      if (waiting.length === 0) found.push(skipped("pods", "None is on the tailnet: nothing was tried"));
      const late = new AbortController();
      const timer = new AbortController();
      void clock.sleep(CHECK_MS, timer.signal).then(() => timer.signal.aborted || late.abort());
      const inTime = AbortSignal.any([signal, late.signal]);
      const work = async () => {
        for (let pod = waiting.shift(); pod; pod = waiting.shift()) {
          const lines = late.signal.aborted ? null : await checkPod(options, pod, inTime).catch((error: unknown) => {
            if (signal.aborted || !late.signal.aborted) throw error;
            return null;
          });
          found.push(...lines ?? [notInTime(pod)]);
        }
      };
      try {
        await Promise.all(Array.from({ length: AT_ONCE }, work));
      } finally {
        timer.abort("checked");
      }
      return report(found, clock.nowMs());
    },
  };
}

function notInTime({ member }: CheckedPod): TailnetCheck {
  const why = `It could not be tried within ${CHECK_MS / 1_000} s, because many pods are slow to answer or silent`;
  return warning(`${named(member)} itself`, why, "See to the pods that do not answer, and check again.");
}

/** Of an edge that knows its pods from a list alone. */
export function createNoTailnetPort(): TailnetPort {
  const refuse = () =>
    Promise.reject(
      new FleetError("conflict", "Cannot look at the tailnet: this edge is on none", {
        hint: "Give the edge a tailscaled in TS_SOCKET; 'comfyfleet up --tailnet' starts one.",
      }),
    );
  return { status: refuse, check: refuse };
}
