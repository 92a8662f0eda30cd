/**
 * Memory that ComfyUI does not give back: main memory over a limit, or GPU memory below a floor although nothing runs. It
 * is asked to free what it holds first, and started anew when that does not help.
 */
import { z } from "zod";
import type { Logger } from "../../telemetry/logger.ts";
import type { Clock } from "../clock.ts";
import type { EndCause } from "../end-cause.ts";
import { call, type Fetch, parseReply, unexpected } from "../http/call.ts";
import { expectFreed, freeRequest } from "../http/free.ts";
import { probeLiveness, type Target } from "../http/introspection.ts";
import type { Recycler } from "./recycler.ts";

export interface MemoryLimits {
  /** Of the whole process group. */
  maxRssBytes: number;
  /** Of the first device, while nothing runs; null: whatever is left is enough. */
  minFreeVramBytes: number | null;
}

export interface MemoryWatchOptions {
  clock: Clock;
  logger: Logger;
  fetch: Fetch;
  baseUrl: string;
  timings: { memoryEveryMs: number; memoryFreeMs: number; memoryPollMs: number; requestTimeoutMs: number };
  limits: MemoryLimits;
  /** Of ComfyUI's process group; null when it cannot be told. */
  readRss: () => Promise<number | null>;
  recycler: Recycler;
  signal: AbortSignal;
}

/** Resolves with ComfyUI's end. */
export async function watchMemory(options: MemoryWatchOptions): Promise<void> {
  const { clock, limits, recycler, signal, timings } = options;
  const target = { fetch: options.fetch, baseUrl: options.baseUrl, timeoutMs: timings.requestTimeoutMs };
  const excess = async (): Promise<EndCause | null> => {
    const tooMuch = overLimit(await options.readRss(), limits);
    if (tooMuch !== null || limits.minFreeVramBytes === null) return tooMuch;
    // Under a running prompt a full GPU is as it should be.
    if (await probeLiveness(target, signal) > 0) return null;
    return belowFloor(await readFreeVram(target, signal), limits.minFreeVramBytes);
  };
  while (!signal.aborted) {
    await clock.sleep(timings.memoryEveryMs, signal);
    if (signal.aborted || recycler.isBusy) continue;
    const cause = await excess().catch(() => null);
    if (cause === null) continue;
    options.logger.warn("ComfyUI holds too much memory", { ...cause });
    await recycler.request(cause, () => relieve(options, { target, excess }));
  }
}

async function relieve(
  { clock, logger, signal, timings }: MemoryWatchOptions,
  { target, excess }: { target: Target; excess: () => Promise<EndCause | null> },
): Promise<boolean> {
  try {
    await freeMemory(target, signal);
    const untilMs = clock.now() + timings.memoryFreeMs;
    while (!signal.aborted && clock.now() < untilMs) {
      await clock.sleep(timings.memoryPollMs, signal);
      if (!signal.aborted && await excess() === null) {
        logger.info("ComfyUI gave its memory back");
        return true;
      }
    }
  } catch (error) {
    logger.warn("ComfyUI cannot be asked to free memory", { error: String(error) });
  }
  return false;
}

async function freeMemory(target: Target, signal: AbortSignal): Promise<void> {
  const request = { ...freeRequest({ models: true }), timeoutMs: target.timeoutMs, signal };
  expectFreed(await call(target.fetch, target.baseUrl, request));
}

const Stats = z.object({ devices: z.array(z.object({ vram_free: z.number().nullish() })).nullish() });

async function readFreeVram(target: Target, signal: AbortSignal): Promise<number | null> {
  const reply = await call(target.fetch, target.baseUrl, {
    path: "/system_stats",
    timeoutMs: target.timeoutMs,
    signal,
  });
  if (reply.status !== 200) throw unexpected("read ComfyUI's free GPU memory", reply);
  return parseReply("read ComfyUI's free GPU memory", reply, Stats).devices?.[0]?.vram_free ?? null;
}

function overLimit(rssBytes: number | null, { maxRssBytes }: MemoryLimits): EndCause | null {
  if (rssBytes === null || rssBytes <= maxRssBytes) return null;
  return {
    reason: "MemoryLimit",
    message: `ComfyUI held ${gib(rssBytes)} of main memory, more than ${gib(maxRssBytes)}, and did not give it back.`,
  };
}

function belowFloor(freeBytes: number | null, floorBytes: number): EndCause | null {
  if (freeBytes === null || freeBytes >= floorBytes) return null;
  return {
    reason: "GpuMemoryFloor",
    message: `Only ${gib(freeBytes)} of GPU memory were free although nothing ran, less than ${gib(floorBytes)}, ` +
      "and ComfyUI did not give more back.",
  };
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
