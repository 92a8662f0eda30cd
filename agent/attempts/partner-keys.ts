/**
 * The partner keys of the attempts that this agent holds. In memory only: no file of the agent may hold one, and what
 * the agent writes or tells goes through here, because ComfyUI and its nodes may say one.
 */
import type { AttemptId } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import { type PartnerKey, redactJson, redactText, redactValue } from "../../contracts/partner-key.ts";
import type { Clock } from "../comfy/clock.ts";
import type { AttemptRecord } from "./record.ts";

export const KEY_LOST: JobError = {
  code: "pod_lost",
  message: "Cannot give the prompt to ComfyUI: the agent was started anew and has its partner key no more",
  hint: "The job is queued again by itself, and its key is sent with it.",
};

/** Log lines are read a moment after they were written, and far later on a machine that stood still. */
const LINGER_MS = 60_000;

export class PartnerKeys {
  readonly #keys = new Map<AttemptId, PartnerKey>();

  /** Until {@link PartnerKeys.release}, and a while longer. */
  hold(attemptId: AttemptId, key: PartnerKey | undefined): void {
    if (key !== undefined) this.#keys.set(attemptId, key);
  }

  /** The attempt is over; a line in which ComfyUI or a node says its key may still be on its way here. */
  release(
    { order: { attemptId } }: Pick<AttemptRecord, "order">,
    clock: Pick<Clock, "sleep">,
    signal: AbortSignal,
  ): void {
    if (!this.#keys.has(attemptId)) return;
    void clock.sleep(LINGER_MS, signal).then(() => this.#keys.delete(attemptId));
  }

  /** What ComfyUI gets with the prompt; null for an attempt without one. */
  of({ order }: Pick<AttemptRecord, "order">): PartnerKey | null {
    return this.#keys.get(order.attemptId) ?? null;
  }

  /** It came with a key to an earlier agent: it must not run without. */
  isLost({ order }: Pick<AttemptRecord, "order">): boolean {
    return order.hasPartnerKey === true && !this.#keys.has(order.attemptId);
  }

  /** A line of ComfyUI's log without any of them. */
  readonly redactLine = (text: string): string => redactText(text, this.#secrets());

  /** The agent's own log line, which is JSON. */
  readonly redactJson = (json: string): string => redactJson(json, this.#secrets());

  /** A record of what ComfyUI said. */
  readonly redactValue = <T>(value: T): T => redactValue(value, [...this.#secrets()]);

  /** A caller sends the same one with all of its jobs. */
  #secrets(): Iterable<PartnerKey> {
    return this.#keys.size < 2 ? this.#keys.values() : new Set(this.#keys.values());
  }
}
