/**
 * A pod whose jobs end as their graph says, behind the agent's real contract: it reports progress in the rhythm that a
 * graph asks for, or has a prepared file as its output. What the edge is measured with, because no ComfyUI makes 200 MB
 * or fifty runs at once on a small machine.
 */
import { link } from "node:fs/promises";
import { typeid } from "typeid-js";
import type { PodEvent, Slot } from "../../../contracts/agent/messages.ts";
import type { AgentContext } from "../../../contracts/agent/ports.ts";
import type { AttemptEvent, AttemptOutput, AttemptReport, StartAttempt } from "../../../contracts/attempt.ts";
import { isAttemptFinal } from "../../../contracts/attempt.ts";
import { FleetError } from "../../../contracts/errors.ts";
import { type AttemptId, BootId } from "../../../contracts/ids.ts";
import { PROTOCOL } from "../../../contracts/protocol.ts";
import type { Workspace } from "../../../agent/attempts/workspace.ts";
import { readyCondition, reportOf } from "../../support/agent-reports.ts";
import { Broadcast } from "./broadcast.ts";
import { parseScript, type Script } from "./script.ts";

export interface ScriptedPodOptions {
  slots: number;
  objectInfoSha256: string;
  /** The prepared files, and the attempt whose folder in the workspace has them. */
  prepared: { attemptId: AttemptId; outputs: readonly AttemptOutput[] };
  workspace: Workspace;
}

interface Run {
  report: AttemptReport;
  events: Broadcast<AttemptEvent>;
}

/** The ports of one such agent; no two share anything. */
export function createScriptedPod(options: ScriptedPodOptions): AgentContext {
  const { workspace, prepared } = options;
  const bootId = BootId.parse(typeid("boot").toString());
  const slots: Slot[] = Array.from({ length: options.slots }, (_, index) => ({ index, ready: true, attemptId: null }));
  const runs = new Map<AttemptId, Run>();
  const podEvents = new Broadcast<PodEvent>();
  const capability = {
    agentVersion: "0.1.0",
    comfyVersion: "0.33.0",
    comfyMode: "supervised" as const,
    devices: [],
    objectInfoSha256: options.objectInfoSha256,
  };
  const condition = { conditions: [readyCondition()], capability, verdict: null };
  const snapshot = (): PodEvent => ({ type: "pod", slots: structuredClone(slots), ...condition });

  function known(attemptId: AttemptId): Run {
    const run = runs.get(attemptId);
    if (run) return run;
    throw new FleetError("not_found", "Cannot find the attempt: this agent does not hold it");
  }

  function move(run: Run, state: AttemptReport["state"], change: Partial<AttemptReport> = {}): void {
    run.report = { ...reportOf(run.report, state, change), acceptedAt: run.report.acceptedAt };
    run.events.send({ type: "report", report: run.report });
    if (isAttemptFinal(state)) run.events.end();
    podEvents.send({ type: "attempt", report: run.report });
  }

  function free(attemptId: AttemptId): void {
    for (const slot of slots) if (slot.attemptId === attemptId) slot.attemptId = null;
    podEvents.send(snapshot());
  }

  async function giveFile(run: Run, index: number): Promise<void> {
    const output = prepared.outputs[index];
    if (!output) throw new Error(`there is no prepared file ${index}`);
    const { attemptId } = run.report;
    const path = workspace.outputPath(attemptId, 0);
    await link(workspace.outputPath(prepared.attemptId, index), path);
    move(run, "collecting");
    free(attemptId);
    move(run, "succeeded", { outputs: [{ ...output, index: 0 }] });
  }

  function reportSteps(run: Run, { everyMs, steps }: Extract<Script, { kind: "progress" }>): void {
    let step = 0;
    const timer = setInterval(() => {
      step += 1;
      const progress = {
        ...{ value: step / steps, nodesDone: 1, nodesTotal: 2, step, steps },
        ...{ currentNode: "2", currentNodeClass: "SaveImage" },
      };
      run.report = { ...run.report, progress };
      run.events.send({ type: "progress", progress });
      if (step < steps) return;
      clearInterval(timer);
      move(run, "collecting");
      free(run.report.attemptId);
      move(run, "succeeded");
    }, everyMs);
  }

  function play(order: StartAttempt, run: Run): void {
    const script = parseScript(order.workflow);
    move(run, "running");
    if (script.kind === "progress") return reportSteps(run, script);
    giveFile(run, script.index).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
  }

  const unasked = (): never => {
    throw new FleetError("conflict", "Cannot ask a scripted agent for its ComfyUI");
  };
  return {
    requestId: "bench",
    gpu: {
      sample: async () => await Promise.resolve(unasked()),
      verdict: async () => await Promise.resolve(unasked()),
    },
    comfy: { status: unasked, restart: unasked, free: unasked, logs: unasked, followLogs: unasked },
    tailnet: { selfCheck: unasked },
    pod: {
      describe: () => Promise.resolve({ protocol: PROTOCOL, podId: null, bootId, capability }),
      beat: () => {
        const attempts = [...runs.values()].map(({ report }) => report);
        return Promise.resolve({ bootId, slots: structuredClone(slots), attempts, ...condition });
      },
      watch: (signal) => podEvents.follow(snapshot(), signal),
    },
    attempts: {
      start(order) {
        if (runs.has(order.attemptId)) return Promise.resolve({ status: "accepted" });
        const slot = slots.find(({ attemptId }) => attemptId === null);
        if (!slot) throw new FleetError("conflict", "Cannot start the attempt: no slot is free");
        slot.attemptId = order.attemptId;
        const run = { report: reportOf(order, "accepted"), events: new Broadcast<AttemptEvent>() };
        runs.set(order.attemptId, run);
        podEvents.send(snapshot());
        setImmediate(() => play(order, run));
        return Promise.resolve({ status: "accepted" });
      },
      withdraw: (id) => Promise.resolve(known(id).report),
      cancel: (id) => Promise.resolve(known(id).report),
      get: (id) => Promise.resolve().then(() => known(id).report),
      watch(id, _options, signal) {
        const { report, events } = known(id);
        return events.follow({ type: "report", report }, signal);
      },
      async release(ids) {
        for (const id of ids) {
          runs.delete(id);
          await workspace.removeOutputs(id, null);
        }
      },
    },
  };
}
