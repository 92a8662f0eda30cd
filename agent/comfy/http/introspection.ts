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

/** The cheapest sign of life; touches neither disk nor GPU. */
export async function probeLiveness(target: Target, signal: AbortSignal): Promise<void> {
  const reply = await call(target.fetch, target.baseUrl, { path: "/prompt", timeoutMs: target.timeoutMs, signal });
  if (reply.status !== 200) throw unexpected("probe ComfyUI", reply);
}
