/** The pod as its edge sees it: description, heartbeat, and a stream of changes. */
import type { Beat, BeatResult, PodDescription, PodEvent } from "../../contracts/agent/messages.ts";
import type { PodPort } from "../../contracts/agent/ports.ts";
import type { AttemptReport } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { PodCapability } from "../../contracts/pod.ts";
import type { RecentBytes } from "../../contracts/recent-bytes.ts";
import { PROTOCOL } from "../../contracts/protocol.ts";
import type { AttemptService } from "../attempts/attempt-service.ts";
import { Mailbox } from "../attempts/mailbox.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Comfy } from "../comfy/port.ts";
import { gpuCondition } from "../gpu/gpu-condition.ts";
import type { GpuService } from "../gpu/gpu-service.ts";
import { capabilityOf, conditionsOf } from "./conditions.ts";
import type { PodIdentity } from "./identity.ts";
import { withInlineOutputs } from "./inline-outputs.ts";
import { createQuietReports } from "./quiet-reports.ts";

export interface PodServiceDeps {
  clock: Clock;
  comfy: Comfy;
  attempts: AttemptService;
  gpu: Pick<GpuService, "current" | "onVerdict">;
  identity: PodIdentity;
  /** Bytes of outputs, by hash. */
  recent: Pick<RecentBytes, "get">;
  agent: Pick<PodCapability, "agentVersion" | "comfyMode">;
}

export class PodService implements PodPort {
  readonly #deps: PodServiceDeps;
  readonly #watchers = new Set<Mailbox<PodEvent>>();
  readonly #stopping = new AbortController();
  /** What every watcher has been told last, as text. */
  #told = "";
  /** The slots of it. */
  #toldSlots = "";

  constructor(deps: PodServiceDeps) {
    this.#deps = deps;
    deps.comfy.onStatus(() => this.#tellPod());
    deps.gpu.onVerdict(() => this.#tellPod());
    const reports = createQuietReports(deps.clock, (report) => this.#tell(report), this.#stopping.signal);
    deps.attempts.onReport(reports.add);
  }

  describe(): Promise<PodDescription> {
    const { bootId, podId } = this.#deps.identity;
    return Promise.resolve({ protocol: PROTOCOL, podId, bootId, capability: this.#capability() });
  }

  async beat(beat: Beat): Promise<BeatResult> {
    const { attempts, identity } = this.#deps;
    identity.admit(beat);
    for (const attemptId of beat.cancel) {
      await attempts.cancel(attemptId).catch((error: unknown) => {
        // What is not held here is missing in the answer, which tells the edge all it needs.
        if (!FleetError.is(error) || error.code !== "not_found") throw error;
      });
    }
    const { slots, conditions, capability, verdict } = this.#pod();
    return { bootId: identity.bootId, slots, attempts: attempts.reports(), conditions, capability, verdict };
  }

  async *watch(signal: AbortSignal): AsyncIterable<PodEvent> {
    const mailbox = new Mailbox<PodEvent>();
    mailbox.put("pod", this.#pod());
    for (const report of this.#deps.attempts.reports()) mailbox.put(report.attemptId, { type: "attempt", report });
    this.#watchers.add(mailbox);
    try {
      yield* mailbox.read(AbortSignal.any([signal, this.#stopping.signal]));
    } finally {
      this.#watchers.delete(mailbox);
    }
  }

  /** Tells what has changed beside ComfyUI, GPU and attempts. */
  changed(): void {
    this.#tellPod();
  }

  /** Ends every stream. */
  stop(): void {
    this.#stopping.abort();
  }

  #tell(told: AttemptReport): void {
    const report = withInlineOutputs(told, this.#deps.recent);
    for (const mailbox of this.#watchers) mailbox.put(report.attemptId, { type: "attempt", report });
    // All that a report can change of the pod is who has its slots.
    if (JSON.stringify(this.#deps.attempts.slots()) !== this.#toldSlots) this.#tellPod();
  }

  #tellPod(): void {
    const pod = this.#pod();
    const now = JSON.stringify(pod);
    if (now === this.#told) return;
    this.#told = now;
    this.#toldSlots = JSON.stringify(pod.slots);
    for (const mailbox of this.#watchers) mailbox.put("pod", pod);
  }

  #pod(): Extract<PodEvent, { type: "pod" }> {
    const { comfy, attempts, gpu } = this.#deps;
    const verdict = gpu.current;
    const conditions = [...conditionsOf(comfy.status), gpuCondition(verdict)];
    return { type: "pod", slots: attempts.slots(), conditions, capability: this.#capability(), verdict };
  }

  #capability(): PodCapability {
    return capabilityOf(this.#deps.comfy.status, this.#deps.agent);
  }
}
