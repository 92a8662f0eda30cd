/** Pods as lines of text. */
import type { Pod } from "../../client/mod.ts";
import { isAwaited, troubleOf, unwatchedGpu } from "../../contracts/pod-health.ts";
import { duration } from "./job-lines.ts";
import { printable } from "./printable.ts";
import { table } from "./table.ts";

function ago(at: string | null, nowMs: number): string {
  return at === null ? "never" : `${duration(Math.max(nowMs - Date.parse(at), 0))} ago`;
}

/** Why it gets no work, or what is wrong with it; empty when there is nothing to say. */
export function podNote(pod: Pod): string {
  const { cordon } = pod;
  const bad = troubleOf(pod) ?? unwatchedGpu(pod);
  const cordoned = cordon && `cordoned${cordon.reason === "" ? "" : ` (${cordon.reason})`}`;
  const kind = [pod.dev && "for development", isAwaited(pod) && "awaited"];
  return printable([...kind, cordoned, bad?.message.split("\n", 1)[0]].filter(Boolean).join("; "));
}

function gpuOf({ capability }: Pod): string {
  return capability?.devices[0]?.name ?? "-";
}

export function podTable(pods: readonly Pod[], nowMs: number): string {
  const rows = pods.map((pod) => [
    pod.name,
    pod.phase,
    `${pod.slotsBusy}/${pod.slotsTotal}`,
    pod.capability?.comfyVersion ?? "-",
    printable(gpuOf(pod)),
    ago(pod.lastSeenAt, nowMs),
    pod.id,
    podNote(pod),
  ]);
  return table([["NAME", "PHASE", "BUSY", "COMFYUI", "GPU", "SEEN", "ID", "NOTE"], ...rows]);
}

export function podDetails(pod: Pod, nowMs: number): string {
  const { capability, cordon } = pod;
  const drain = cordon?.drain ? `, draining: ${cordon.attempts} attempts left` : "";
  const rows: [string, string][] = [
    ["id", pod.id],
    ["name", pod.name],
    ["phase", pod.phase],
    ...(pod.dev ? [["for", "development: it gets no jobs"] as [string, string]] : []),
    ["cordon", cordon ? `since ${cordon.since}${drain}${cordon.reason === "" ? "" : `: ${cordon.reason}`}` : "none"],
    ["slots", `${pod.slotsBusy} of ${pod.slotsTotal} busy`],
    ["seen", ago(pod.lastSeenAt, nowMs)],
    ["agent", capability ? `${capability.agentVersion} (ComfyUI ${capability.comfyMode})` : "-"],
    ["ComfyUI", capability?.comfyVersion ?? "-"],
    ...(capability?.devices ?? []).map((device): [string, string] => [
      "device",
      `${device.name}${device.vramTotalBytes ? `, ${Math.round(device.vramTotalBytes / 2 ** 30)} GiB` : ""}`,
    ]),
    ...pod.conditions.map(({ type, status, reason, message }): [string, string] => [
      type,
      `${status} (${reason}): ${message}`,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)}${printable(value)}`).join("\n");
}
