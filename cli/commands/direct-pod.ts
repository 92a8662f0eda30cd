/** What is shown and checked of a pod that is asked directly, with `--pod`: no edge says anything of it. */
import type { ComfyReport } from "../../client/mod.ts";
import type { GpuVerdict } from "../../contracts/agent/gpu.ts";
import type { PodDescription } from "../../contracts/agent/messages.ts";
import { toFleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { type Check, clockCheck, failed, ok } from "../doctor/check.ts";
import { orAborted } from "../interruption.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printable } from "../output/printable.ts";
import type { TargetPod } from "../pod/target.ts";

interface PodNow {
  description: PodDescription;
  comfy: ComfyReport;
  verdict: GpuVerdict;
}

async function askNow(pod: TargetPod): Promise<PodNow> {
  const [description, comfy, verdict] = await Promise.all([
    pod.call((trpc) => trpc.pod.describe.query()),
    pod.call((trpc) => trpc.comfy.status.query()),
    pod.call((trpc) => trpc.gpu.verdict.query()),
  ]);
  return { description, comfy, verdict };
}

function details({ description, comfy, verdict }: PodNow): string {
  const { podId, capability } = description;
  const why = verdict.reasons[0]?.detail;
  const rows: [string, string][] = [
    ["id", podId ?? "none yet: no edge has met it"],
    ["agent", `${capability.agentVersion} (ComfyUI ${comfy.mode})`],
    ["ComfyUI", `${comfy.version ?? "-"} ${comfy.state} (${comfy.reason}): ${comfy.message.split("\n", 1)[0]}`],
    ["takes jobs", comfy.takesJobs ? "yes" : "no"],
    ["attempts", String(comfy.attempts.length)],
    ...comfy.devices.map(({ name }): [string, string] => ["device", name]),
    ["GPU", `${verdict.state}${why === undefined ? "" : `: ${why}`}`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)}${printable(value)}`).join("\n");
}

export async function showDirectPod({ render, interrupted }: CliContext, pod: TargetPod): Promise<number> {
  const now = await orAborted(askNow(pod), interrupted);
  render.result({ ...pod.named, ...now.description, comfy: now.comfy, verdict: now.verdict }, details(now));
  return EXIT.ok;
}

/** Its ComfyUI and clock as it says itself, then what it finds of the tailnet. */
export async function directPodChecks(pod: TargetPod): Promise<Check[]> {
  const sentMs = Date.now();
  try {
    const report = await pod.call((trpc) => trpc.comfy.status.query());
    const gotMs = Date.now();
    const state = `${report.state} (${report.reason}): ${report.message.split("\n", 1)[0]}`;
    const comfy = report.takesJobs
      ? ok(`pod ${pod.name} ComfyUI`, state)
      : failed(`pod ${pod.name} ComfyUI`, state, `See why with '${pod.commandTo("logs")}'.`);
    const clock = clockCheck(`pod ${pod.name} clock`, Date.parse(report.now), { sentMs, gotMs });
    const { checks } = await pod.call((trpc) => trpc.tailnet.selfCheck.query());
    return [comfy, clock, ...checks];
  } catch (error) {
    const { message, hint } = toFleetError(error);
    return [failed(`pod ${pod.name}`, message, hint ?? "Check that its agent runs.")];
  }
}
