/** What ComfyUI says of itself: who it is, what it can run, and whether it answers at all. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { call, type Fetch, parseReply, unexpected } from "./call.ts";

const Stats = z.object({
  system: z.object({
    comfyui_version: z.string().nullish(),
    pytorch_version: z.string().nullish(),
    argv: z.array(z.string()).nullish(),
  }),
  devices: z.array(z.object({
    name: z.string().nullish(),
    type: z.string().nullish(),
    vram_total: z.number().nullish(),
  })).nullish(),
});

export interface SystemStats {
  version: string | null;
  /** Its command line; holds the nonce of a process that the agent started. */
  argv: string[];
  devices: { name: string; type: string; vramTotalBytes: number | null }[];
}

export interface Target {
  fetch: Fetch;
  baseUrl: string;
  timeoutMs: number;
}

/** @throws FleetError `comfy_unavailable`; see {@link isRefused} for "nobody there" */
export async function readSystemStats(target: Target, signal: AbortSignal): Promise<SystemStats> {
  const reply = await call(target.fetch, target.baseUrl, {
    path: "/system_stats",
    timeoutMs: target.timeoutMs,
    signal,
  });
  if (reply.status !== 200) throw unexpected("read ComfyUI's system stats", reply);
  const { system, devices } = parseReply("read ComfyUI's system stats", reply, Stats);
  return {
    version: system.comfyui_version ?? null,
    argv: system.argv ?? [],
    devices: (devices ?? []).map((device) => ({
      name: device.name ?? "unknown",
      type: device.type ?? "unknown",
      vramTotalBytes: device.vram_total ?? null,
    })),
  };
}

export interface ObjectInfo {
  /** Of the body's bytes, in hex. */
  sha256: string;
  body: string;
}

/** The body stays text: it is megabytes, and only its hash matters here. */
export async function readObjectInfo(target: Target, signal: AbortSignal): Promise<ObjectInfo> {
  const reply = await call(target.fetch, target.baseUrl, { path: "/object_info", timeoutMs: target.timeoutMs, signal });
  if (reply.status !== 200) throw unexpected("read ComfyUI's node classes", reply);
  return { sha256: createHash("sha256").update(reply.text).digest("hex"), body: reply.text };
}

const QueueInfo = z.object({ exec_info: z.object({ queue_remaining: z.number().nullish() }).nullish() });

/** The cheapest sign of life; touches neither disk nor GPU. Returns how many prompts wait or run. */
export async function probeLiveness(target: Target, signal: AbortSignal): Promise<number> {
  const reply = await call(target.fetch, target.baseUrl, { path: "/prompt", timeoutMs: target.timeoutMs, signal });
  if (reply.status !== 200) throw unexpected("probe ComfyUI", reply);
  return parseReply("probe ComfyUI", reply, QueueInfo).exec_info?.queue_remaining ?? 0;
}

const Jobs = z.object({ jobs: z.array(z.object({ status: z.string() })) });

const Queue = z.object({ queue_running: z.array(z.unknown()), queue_pending: z.array(z.unknown()) });

/** Whether prompts wait although none runs. Null when it does not say. */
export async function isStalled(target: Target, signal: AbortSignal): Promise<boolean | null> {
  const path = "/api/jobs?status=pending,in_progress";
  const reply = await call(target.fetch, target.baseUrl, { path, timeoutMs: target.timeoutMs, signal });
  if (reply.status !== 200) return await isQueueStalled(target, signal);
  const { jobs } = parseReply("list ComfyUI's jobs", reply, Jobs);
  return jobs.some(({ status }) => status === "pending") && !jobs.some(({ status }) => status === "in_progress");
}

/** Before 0.5 there is no list of jobs; the queue has all graphs in it, so it is asked only there. */
async function isQueueStalled(target: Target, signal: AbortSignal): Promise<boolean | null> {
  const reply = await call(target.fetch, target.baseUrl, { path: "/queue", timeoutMs: target.timeoutMs, signal });
  if (reply.status !== 200) return null;
  const { queue_running, queue_pending } = parseReply("read ComfyUI's queue", reply, Queue);
  return queue_pending.length > 0 && queue_running.length === 0;
}
