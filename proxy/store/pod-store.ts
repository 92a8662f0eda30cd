/** Pods: who owns each one's session, and what it last said. */
import type { BootId, EdgeId, PodId } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import type { Condition, PodCapability, PodPhase } from "../../contracts/pod.ts";

/** `direct`: known by the static list. `tailnet`: a node that has joined. */
export type PodVia = "direct" | "tailnet";

export interface PodRow {
  id: PodId;
  name: string;
  /** Unique name of the way to it: its name in the static list, or its tailnet StableID. */
  transportKey: string;
  via: PodVia;
  phase: PodPhase;
  bootId: BootId | null;
  edgeId: EdgeId | null;
  epoch: number;
  leaseUntilMs: number;
  slotsTotal: number;
  slotsBusy: number;
  capability: PodCapability | null;
  conditions: Condition[];
  createdAtMs: number;
  lastSeenAtMs: number | null;
  /** Null: it may be given work. */
  cordonedAtMs: number | null;
  cordonReason: string;
  draining: boolean;
  /** For development only: it is never given a job. */
  dev: boolean;
  /** Attempts on it that are offered or running, as the store has them. */
  liveAttempts: number;
}

/** Which `/object_info` body a pod has; null while it has not told. */
export interface PodBody {
  podId: PodId;
  objectInfoSha256: string | null;
}

/** What one answered beat says. */
export interface PodObservation {
  phase: PodPhase;
  bootId: BootId;
  slotsTotal: number;
  slotsBusy: number;
  capability: PodCapability;
  conditions: Condition[];
}

export interface NewPod {
  id: PodId;
  name: string;
  transportKey: string;
  via?: PodVia;
  dev?: boolean;
}

export interface PodStore {
  /** The pod behind this transport key, made (`joining`) when new, and again, with its cordon, when it is `gone`. Default: `direct`, no `dev`. */
  registerPod(input: NewPod): Promise<PodRow>;
  /**
   * The enrolled pod that nobody has joined as, now this node's; null when it is not there, is of the other kind (`dev`), was
   * enrolled with another key than this, or the node has a pod. Without a `keyId` any key is taken for the right one.
   */
  claimEnrolled(input: { podId: PodId; stableId: string; dev: boolean; keyId: string | null }): Promise<PodRow | null>;
  getPod(id: PodId): Promise<PodRow | null>;
  /** All pods that are not `gone`, oldest first. */
  listPods(page: PageRequest): Promise<Page<PodRow>>;
  /** All pods that are not `gone`, for the planner and the reaper. */
  listActivePods(): Promise<PodRow[]>;
  /** Takes the session when it is free, expired or ours: epoch + 1. Null while another edge's lease lasts, and once it is `gone`. */
  takePod(input: { podId: PodId; edgeId: EdgeId; leaseMs: number }): Promise<{ epoch: number } | null>;
  /** An answered beat: renews the lease and stores what it said. False when the session is no longer ours. */
  recordBeat(input: { podId: PodId; epoch: number; leaseMs: number; observed: PodObservation }): Promise<boolean>;
  /** Keeps the session while the pod does not answer; stores phase and conditions. False when it is no longer ours. */
  recordSilence(
    input: { podId: PodId; epoch: number; leaseMs: number; phase: PodPhase; conditions: Condition[] },
  ): Promise<boolean>;
  /**
   * Marks the pod as one that gets no new work, or takes the mark away; from the commit on no assignment to it succeeds.
   * An empty reason keeps the one that is there, and a cordon keeps a drain. Null for an unknown pod.
   */
  setCordon(input: { podId: PodId; cordon: "none" | "cordon" | "drain"; reason: string }): Promise<PodRow | null>;
  /** Pods that get no new work; without those that are `gone`. */
  listCordoned(): Promise<PodId[]>;
  /** Pods that are `gone` and whose attempts nobody has ended: whoever was about to do so was killed. */
  listGoneAtWork(): Promise<PodId[]>;
  /** At a clean stop: other edges may take them at once. */
  releasePods(edgeId: EdgeId): Promise<void>;
  /** Keeps an `/object_info` body by its hash, and drops those that no pod has and that were not seen for an hour. */
  putObjectInfo(input: { sha256: string; body: string }): Promise<void>;
  /** Marks the body as seen now. False when the store does not have it. */
  seeObjectInfo(sha256: string): Promise<boolean>;
  getObjectInfo(sha256: string): Promise<string | null>;
  /** What every pod that is neither `gone` nor `lost` last said, without those for development: no job is for them. */
  listPodBodies(): Promise<PodBody[]>;
}
