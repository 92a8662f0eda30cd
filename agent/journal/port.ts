/**
 * The agent's memory over its own death: one method per transition, synchronous, written before it returns.
 * Nothing is lost with the process. Power may take the last steps of attempts, which end with it anyhow; who the pod is,
 * and whom it has obeyed, is on the disk.
 * A transition that finds the attempt in another state than it expects throws, and changes nothing.
 */
import type { AttemptOutput, AttemptState } from "../../contracts/attempt.ts";
import type { AttemptId, BootId, PodId } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Progress } from "../../contracts/progress.ts";
import type { AttemptRecord, EarlyOutput, FoundOutputs } from "../attempts/record.ts";

/** Who this agent is; all of it lives as long as the state directory. */
export interface Identity {
  readonly bootId: BootId;
  /** Null until an edge gave it one. */
  readonly podId: PodId | null;
  /** Highest edge epoch seen; 0 before the first. */
  readonly epoch: number;
}

export interface Final {
  state: Extract<AttemptState, "succeeded" | "failed" | "canceled" | "lost">;
  atMs: number;
  outputs: AttemptOutput[];
  cached: boolean;
  error: JobError | null;
  progress: Progress | null;
}

export interface Journal {
  identity(): Identity;
  /** Stores the first pod id; the caller has checked that there is none. */
  adoptPod(podId: PodId): void;
  /** Forgets the pod id and the epoch: whoever comes next makes another pod of this agent. */
  leavePod(): void;
  raiseEpoch(epoch: number): void;

  /** Everything accepted and not released, oldest first. */
  unreleased(): AttemptRecord[];
  accept(record: AttemptRecord): void;
  /** It is about to be posted to this ComfyUI: from here on it is looked up there before it is posted again. */
  bind(attemptId: AttemptId, generationId: string): void;
  /** ComfyUI has the prompt. @param refusal Why it has only a part of it, which is canceled. */
  run(attemptId: AttemptId, startedAtMs: number, refusal: JobError | null): void;
  /** Found while it runs. */
  findEarly(attemptId: AttemptId, early: EarlyOutput[]): void;
  collect(attemptId: AttemptId, done: { atMs: number; found: FoundOutputs; progress: Progress | null }): void;
  finish(attemptId: AttemptId, final: Final): void;
  requestCancel(attemptId: AttemptId): void;
  /** Kept so that progress does not fall after a restart; changes no state. */
  progress(attemptId: AttemptId, progress: Progress): void;
  /** Marks them for deletion, all or none; their files may still be there. */
  release(attemptIds: readonly AttemptId[]): void;
  /** Their files are gone. A small row of each stays, so that a late repetition of its start is recognised. */
  clean(attemptIds: readonly AttemptId[]): void;
  /** Released, with files that may still be there. */
  uncleaned(): { attemptId: AttemptId; promptId: string }[];
  wasReleased(attemptId: AttemptId): boolean;
  close(): void;
}
