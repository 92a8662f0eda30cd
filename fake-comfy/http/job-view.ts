/** Prompts as jobs, the form of `/api/jobs`. */
import { isJsonObject, type Json, type JsonObject, PyError } from "../python.ts";
import type { HistoryEntry, QueueItem } from "../queue/prompt-queue.ts";

/** Output keys whose items can be shown. */
const PREVIEWABLE = ["images", "video", "audio", "3d", "text"];
const TEXT_FILE = /\.(txt|md|json)$/i;
const MODEL_FILE = /\.(obj|fbx|gltf|glb|usdz)$/i;
/** Longer texts are cut in previews. */
const TEXT_PREVIEW_LENGTH = 1024;

/** A pending or running prompt. */
export function queuedJob(item: QueueItem, status: "pending" | "in_progress"): JsonObject {
  return pruned({
    id: item.promptId,
    status,
    priority: item.number,
    create_time: item.extraData["create_time"] ?? null,
    outputs_count: 0,
    workflow_id: workflowId(item.extraData),
  });
}

/** A finished prompt; `full` adds what only a single look-up shows. */
export function finishedJob(promptId: string, entry: HistoryEntry, full: boolean): JsonObject {
  const [priority, , prompt, extraData] = entry.prompt;
  const times = timesOf(entry);
  const { count, preview } = outputsSummary(entry.outputs);
  const job = pruned({
    id: promptId,
    status: statusOf(entry),
    priority,
    create_time: extraData["create_time"] ?? null,
    execution_start_time: times.start,
    execution_end_time: times.end,
    execution_error: messageOf(entry, "execution_error"),
    outputs_count: count,
    preview_output: preview,
    workflow_id: workflowId(extraData),
  });
  if (!full) return job;
  const status = { ...entry.status, messages: entry.status.messages.map(([event, data]): Json => [event, data]) };
  return { ...job, outputs: entry.outputs, execution_status: status, workflow: { prompt, extra_data: extraData } };
}

function statusOf(entry: HistoryEntry): string {
  if (entry.status.status_str === "success") return "completed";
  return messageOf(entry, "execution_interrupted") === null ? "failed" : "cancelled";
}

function timesOf(entry: HistoryEntry): { start: Json; end: Json } {
  const end = ["execution_success", "execution_error", "execution_interrupted"].map((name) => messageOf(entry, name));
  return {
    start: messageOf(entry, "execution_start")?.["timestamp"] ?? null,
    end: end.find((data) => data !== null)?.["timestamp"] ?? null,
  };
}

function messageOf(entry: HistoryEntry, event: string): JsonObject | null {
  return entry.status.messages.find(([name]) => name === event)?.[1] ?? null;
}

function workflowId(extraData: JsonObject): Json {
  const info = extraData["extra_pnginfo"] ?? {};
  const workflow = isJsonObject(info) ? info["workflow"] ?? {} : null;
  if (!isJsonObject(workflow)) throw new PyError("AttributeError", "'NoneType' object has no attribute 'get'");
  return workflow["id"] ?? null;
}

/** Saved pictures come first, then other pictures, then text files, then plain text. */
function outputsSummary(outputs: JsonObject): { count: number; preview: Json } {
  let count = 0;
  const best: Json[] = [null, null, null, null];
  for (const [nodeId, shown] of Object.entries(outputs)) {
    if (!isJsonObject(shown)) continue;
    for (const [mediaType, items] of Object.entries(shown)) {
      if (mediaType === "animated" || !Array.isArray(items)) continue;
      for (const item of items) {
        if (isJsonObject(item)) count++;
        const rank = rankOf(mediaType, item);
        if (rank !== null) best[rank] ??= { ...previewItem(item), nodeId, mediaType };
      }
    }
  }
  return { count, preview: best.find((item) => item !== null) ?? null };
}

function rankOf(mediaType: string, item: Json): number | null {
  if (!isJsonObject(item)) return mediaType === "text" && item !== null ? 3 : null;
  const filename = typeof item["filename"] === "string" ? item["filename"] : "";
  const textual = mediaType === "text" || TEXT_FILE.test(filename);
  if (!PREVIEWABLE.includes(mediaType) && !textual && !MODEL_FILE.test(filename)) return null;
  if (textual) return 2;
  return item["type"] === "output" ? 0 : 1;
}

function previewItem(item: Json): JsonObject {
  if (isJsonObject(item)) return item;
  const text = String(item);
  return text.length <= TEXT_PREVIEW_LENGTH
    ? { content: text }
    : { content: text.slice(0, TEXT_PREVIEW_LENGTH), truncated: true };
}

function pruned(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
