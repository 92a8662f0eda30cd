/** One beat: what this edge holds for the pod goes out, what the agent holds comes back. */
import type { Beat, BeatResult } from "../../contracts/agent/messages.ts";
import { readBeat, type UnreadableReport } from "../../contracts/agent/received.ts";
import { MAX_ATTEMPTS } from "../../contracts/bounds.ts";
import type { AttemptId, EdgeId, PodId } from "../../contracts/ids.ts";
import type { FleetError } from "../../contracts/errors.ts";
import type { JobStore } from "../store/job-store.ts";
import { toAgentError } from "./agent-error.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { Offers } from "./offers.ts";
import type { Agents } from "./port.ts";
import type { HeldAttempts } from "./reconcile.ts";

export interface BeatOptions {
  store: Pick<JobStore, "listLiveAttempts">;
  agents: Agents;
  offers: Offers;
  clock: Clock;
  timeoutMs: number;
}

export interface BeatOrder {
  podId: PodId;
  edgeId: EdgeId;
  epoch: number;
  leaseMs: number;
  /** Beside the attempts of canceling jobs: those that nobody wants any more. */
  unwanted: readonly AttemptId[];
}

export type BeatAnswer =
  | { answered: true; held: HeldAttempts; result: BeatResult; unreadable: UnreadableReport[] }
  | { answered: false; held: HeldAttempts; error: FleetError };

/** @throws what the store throws, and the signal's reason when aborted; the agent's failures are in the answer. */
export async function sendBeat(options: BeatOptions, order: BeatOrder, signal: AbortSignal): Promise<BeatAnswer> {
  const { store, agents, offers, clock, timeoutMs } = options;
  const { podId, edgeId, epoch, leaseMs } = order;
  // In this order: an attempt that is offered while the store is read must not be live without being under way.
  const live = await store.listLiveAttempts(podId);
  const held: HeldAttempts = { live, underWay: offers.underWay(podId) };
  const settleOffers = offers.beatBegins(podId);
  const canceling = held.live.filter((row) => row.jobState === "canceling").map((row) => row.id);
  // What does not fit is in the next beat's lists once others have ended.
  const beat: Beat = {
    podId,
    edgeId,
    epoch,
    leaseMs,
    cancel: [...canceling, ...order.unwanted].slice(0, MAX_ATTEMPTS),
    known: held.live.map((row) => row.id).slice(0, MAX_ATTEMPTS),
  };
  try {
    const answer = await withDeadline(
      { clock, timeoutMs, signal, action: "beat with the agent" },
      (inner) => agents.client(podId).pod.beat.mutate(beat, { signal: inner }),
    );
    const { result, unreadable } = readBeat(answer);
    settleOffers();
    return { answered: true, held, result, unreadable };
  } catch (error) {
    if (signal.aborted) throw error;
    return { answered: false, held, error: toAgentError(error) };
  }
}
