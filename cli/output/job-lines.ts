/** Jobs and their events as lines of text. */
import type { JobEvent } from "../../contracts/event.ts";
import type { Job } from "../../contracts/job.ts";
import type { Progress } from "../../contracts/progress.ts";

export function percent(value: number): string {
  return `${Math.round(value * 100)}%`.padStart(4);
}

export function progressText(progress: Progress): string {
  const node = progress.currentNodeClass ?? "";
  const step = progress.steps ? ` step ${progress.step ?? 0}/${progress.steps}` : "";
  return `${percent(progress.value)}  node ${progress.nodesDone}/${progress.nodesTotal} ${node}${step}`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000
    ? `${(ms / 1_000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round(ms / 1_000) % 60} s`;
}

/** What happened, or null for events that only a progress line shows. */
export function eventText(event: JobEvent): string | null {
  switch (event.type) {
    case "status": {
      const why = event.reason ?? event.job?.waiting?.message ?? event.job?.error?.message;
      return `${event.state}${event.attempt > 1 ? ` (attempt ${event.attempt})` : ""}${why ? `: ${why}` : ""}`;
    }
    case "output":
      return `output ${event.output.name}  ${event.output.sizeBytes} bytes`;
    case "progress":
    case "preview":
      return null;
  }
}

export function jobRow(job: Job): string {
  const progress = job.state === "running" && job.progress ? percent(job.progress.value) : "";
  const note = job.waiting?.message ?? job.error?.message ?? progress;
  return `${job.id}  ${job.state.padEnd(9)}  ${job.createdAt}  ${note}`;
}

export function jobDetails(job: Job): string {
  const rows: [string, string | null][] = [
    ["id", job.id],
    ["state", job.state],
    ["retry of", job.retryOf],
    ...Object.entries(job.metadata).map(([key, value]): [string, string] => ["label", `${key}=${value}`]),
    ["priority", job.priority],
    ["attempts", `${job.attempt}${job.losses > 0 ? ` (${job.losses} lost)` : ""}`],
    ["pod", job.podId],
    ["created", job.createdAt],
    ["started", job.startedAt],
    ["completed", job.completedAt],
    ["waiting", job.waiting?.message ?? null],
    ["progress", job.progress && job.state === "running" ? progressText(job.progress).trim() : null],
    ["error", job.error ? `${job.error.message} (${job.error.code})` : null],
    ["hint", job.error?.hint ?? null],
    ["took", job.receipt ? duration(job.receipt.timing.totalMs) : null],
    ...job.outputs.map((output): [string, string] => [
      "output",
      `${output.name}  ${output.contentType}  ${output.sizeBytes} bytes  ${output.assetId}${
        output.temporary ? "  (temporary)" : ""
      }`,
    ]),
  ];
  return rows.filter(([, value]) => value !== null).map(([name, value]) => `${name.padEnd(10)}${value}`).join("\n");
}
