/** One attempt to find ComfyUI at its address and to learn what it can run. */
import { isRefused } from "../http/call.ts";
import { type ObjectInfo, readObjectInfo, readSystemStats, type SystemStats } from "../http/introspection.ts";
import type { EndCause } from "../end-cause.ts";
import type { AttachedContext } from "./options.ts";

export type Attached =
  | { status: "found"; stats: SystemStats; objectInfo: ObjectInfo }
  /** `gone`: nobody listens, so what ran there before is lost. */
  | { status: "failed"; gone: boolean; cause: EndCause };

export async function attach(context: AttachedContext, signal: AbortSignal): Promise<Attached> {
  const { baseUrl, fetch, timings } = context;
  try {
    const stats = await readSystemStats({ fetch, baseUrl, timeoutMs: timings.requestTimeoutMs }, signal);
    const objectInfo = await readObjectInfo({ fetch, baseUrl, timeoutMs: timings.objectInfoTimeoutMs }, signal);
    return { status: "found", stats, objectInfo };
  } catch (error) {
    return { status: "failed", gone: isRefused(error), cause: unreachable(baseUrl, error) };
  }
}

/** Why ComfyUI cannot be used now, from the error of a call to it. */
export function unreachable(baseUrl: string, error: unknown): EndCause {
  if (isRefused(error)) {
    return { reason: "NotRunning", message: `Nothing listens on ${baseUrl}: start ComfyUI there.` };
  }
  const why = error instanceof Error ? error.message : String(error);
  return { reason: "Unreachable", message: `ComfyUI at ${baseUrl} does not answer as it should: ${why}.` };
}
