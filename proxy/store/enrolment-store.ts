/** Pods that are awaited: enrolled with a key, and not seen on the tailnet yet. Who joins as one takes its row over. */
import type { PodId } from "../../contracts/ids.ts";
import type { Condition } from "../../contracts/pod.ts";
import type { PodRow } from "./pod-store.ts";

export interface NewEnrolment {
  id: PodId;
  name: string;
  /** Of its key at the control server; the key itself is not stored. */
  keyId: string;
  /** When the key ends, epoch ms. */
  endsAtMs: number;
  dev: boolean;
  /** Says that it is awaited. */
  conditions: Condition[];
}

export interface EnrolmentRow {
  /** Of the pod that was enrolled, which is its host name too. */
  name: string;
  keyId: string;
  createdAtMs: number;
  endsAtMs: number;
}

/** `keyId` at the control server, or the host name that the pod was to take. */
export type EnrolledBy = { keyId: string } | { name: string };

export interface EnrolmentStore {
  /** Pods in phase `joining` that nobody has joined as; all of them or none. */
  enrollPods(pods: readonly NewEnrolment[]): Promise<PodRow[]>;
  /** With which key the pod was enrolled, whether it has joined or not; null for one that came without. */
  getEnrolment(id: PodId): Promise<EnrolmentRow | null>;
  /** Pods that were ever enrolled with a key of this id, or by this name; those that are `gone` too. */
  findEnrolments(by: EnrolledBy): Promise<EnrolmentRow[]>;
  /** Awaited pods whose key ended `graceMs` ago and longer are `gone`; one that joined late all the same may take its row. */
  expireEnrolments(graceMs: number): Promise<PodRow[]>;
  /**
   * The pod is `gone`, its session fenced off, and no assignment to it succeeds. Its attempts are the caller's to end. Null
   * when it is not there or gone already.
   */
  removePod(id: PodId): Promise<PodRow | null>;
}

const AWAITED = "enrolled:";

/** Transport key of a pod that nobody has joined as. */
export function awaitedKey(id: PodId): string {
  return `${AWAITED}${id}`;
}

export function isAwaited({ transportKey }: Pick<PodRow, "transportKey">): boolean {
  return transportKey.startsWith(AWAITED);
}
