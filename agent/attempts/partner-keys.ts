/**
 * The partner keys of the attempts that this agent holds. In memory only: no file of the agent may hold one, and what
 * the agent writes or tells goes through here, because ComfyUI and its nodes may say one.
 */
import type { AttemptId } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import { type PartnerKey, redactJson, redactText, redactValue } from "../../contracts/partner-key.ts";
import type { AttemptRecord } from "./record.ts";

export const KEY_LOST: JobError = {
  code: "pod_lost",
  message: "Cannot give the prompt to ComfyUI: the agent was started anew and has its partner key no more",
  hint: "The job is queued again by itself, and its key is sent with it.",
};

export class PartnerKeys {
  readonly #keys = new Map<AttemptId, PartnerKey>();

  /** Until {@link PartnerKeys.drop}: for as long as somebody may say it. */
  hold(attemptId: AttemptId, key: PartnerKey | undefined): void {
    if (key !== undefined) this.#keys.set(attemptId, key);
  }

  drop(attemptId: AttemptId): void {
    this.#keys.delete(attemptId);
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
  readonly redactLine = (text: string): string => redactText(text, this.#keys.values());

  /** The agent's own log line, which is JSON. */
  readonly redactJson = (json: string): string => redactJson(json, this.#keys.values());

  /** A record of what ComfyUI said. */
  readonly redactValue = <T>(value: T): T => redactValue(value, [...this.#keys.values()]);
}
