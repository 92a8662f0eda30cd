/** What one session knows of its pod at this moment, and what the planner may make of it. No I/O. */
import type { BeatResult, PodEvent } from "../../contracts/agent/messages.ts";
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { FleetError } from "../../contracts/errors.ts";
import type { Condition, PodPhase } from "../../contracts/pod.ts";
import { PROTOCOL } from "../../contracts/protocol.ts";
import type { PodObservation, PodRow } from "../store/pod-store.ts";
import { COMPATIBLE, mergeConditions, REACHABLE, refusedBy, setCondition } from "./conditions.ts";
import type { Offers } from "./offers.ts";
import { addSilence, answeringPhase, isComfyReady, silentPhase } from "./phase.ts";
import { busySlots, gpuOf, isDoneWithComfy, type PodView, viewOfBeat, withPodEvent, withReport } from "./pod-view.ts";
import type { LivePod } from "./port.ts";
import type { SessionDeps } from "./session-port.ts";
import type { PodTimings } from "./timings.ts";

export interface PodBoard {
  readonly phase: PodPhase;
  readonly conditions: Condition[];
  readonly misses: number;
  readonly silenceMs: number;
  /** Rises with every event: a beat that was overtaken by one must not put old slots back. */
  readonly events: number;
  readonly objectInfoSha256: string | null;
  live(): LivePod | null;
  /** What was agreed on with the agent; before anything else it says. */
  speaks(protocol: number): void;
  /** @param overtaken an event came in while the beat was under way */
  answered(result: BeatResult, overtaken: boolean): PodObservation;
  podChanged(event: Extract<PodEvent, { type: "pod" }>): void;
  attemptChanged(report: AttemptReport): void;
  /** A look at the pod without an answer of use, `sinceLastMs` after the look before it. */
  missed(error: FleetError, sinceLastMs: number): void;
  /** The body with this hash is in the store: from now on the planner may count on it. */
  objectInfoStored(sha256: string): void;
}

interface BoardOptions {
  row: PodRow;
  epoch: number;
  offers: Offers;
  timings: PodTimings;
  nowMs: () => number;
  toldByEdge?: SessionDeps["toldByEdge"];
}

export function createPodBoard(options: BoardOptions): PodBoard {
  const { row, epoch, offers, timings, nowMs, toldByEdge = () => [] } = options;
  let view: PodView | null = null;
  let { phase, conditions } = row;
  let misses = 0;
  let silenceMs = 0;
  let events = 0;
  let storedInfo: string | null = null;
  let protocol = PROTOCOL.min;

  function show(next: PodView): void {
    view = next;
    phase = answeringPhase(next.slots, next.conditions);
    conditions = mergeConditions(conditions, next.conditions);
    offers.observe(row.id, next.slots.flatMap((slot) => slot.attemptId ?? []));
  }

  return {
    get phase() {
      return phase;
    },
    get conditions() {
      return conditions;
    },
    get misses() {
      return misses;
    },
    get silenceMs() {
      return silenceMs;
    },
    get events() {
      return events;
    },
    get objectInfoSha256() {
      return view?.capability.objectInfoSha256 ?? null;
    },
    live() {
      if (!view) return null;
      const hash = view.capability.objectInfoSha256;
      const use = offers.slotUse(row.id, view);
      return {
        id: row.id,
        name: row.name,
        bootId: view.bootId,
        epoch,
        protocol,
        dev: row.dev,
        accepting: misses < timings.missedBeats && phase !== "lost",
        ...use,
        // Its agent takes no order now, not even for later.
        mayFollow: isComfyReady(view.conditions) ? use.mayFollow : [],
        objectInfoSha256: hash === storedInfo ? hash : null,
        gpu: gpuOf(view),
      };
    },
    answered(result, overtaken) {
      misses = 0;
      silenceMs = 0;
      for (const change of [COMPATIBLE, REACHABLE, ...toldByEdge(row.id)]) {
        conditions = setCondition(conditions, change, nowMs());
      }
      show(overtaken && view ? { ...view, bootId: result.bootId } : viewOfBeat(result));
      const { bootId, capability, slots } = view ?? viewOfBeat(result);
      return { phase, bootId, slotsTotal: slots.length, slotsBusy: busySlots(slots), capability, conditions };
    },
    podChanged(event) {
      events += 1;
      if (view) show(withPodEvent(view, event));
    },
    attemptChanged(report) {
      events += 1;
      if (view) view = withReport(view, report);
      // One that runs is counted by its offer until the slots themselves name it, which no report of an attempt does.
      if (isDoneWithComfy(report)) offers.over(row.id, report.attemptId);
    },
    missed(error, sinceLastMs) {
      misses += 1;
      silenceMs = addSilence(silenceMs, sinceLastMs, timings.beatMs + timings.callTimeoutMs);
      phase = silentPhase(phase, silenceMs, timings.lostMs);
      for (const change of refusedBy(error, { ms: silenceMs, unreachableMs: timings.unreachableMs })) {
        conditions = setCondition(conditions, change, nowMs());
      }
    },
    speaks(agreed) {
      protocol = agreed;
    },
    objectInfoStored(sha256) {
      storedInfo = sha256;
    },
  };
}
