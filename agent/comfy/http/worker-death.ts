/** Whether ComfyUI's own log, as it shows it to its page, tells of its worker's death: all that there is without its log file. */
import { z } from "zod";
import { createLogSplitter } from "../log/log-lines.ts";
import { scanLogLine } from "../log/log-scan.ts";
import { call, parseReply } from "./call.ts";
import type { Target } from "./introspection.ts";

const Log = z.object({ entries: z.array(z.object({ m: z.string().nullish() })) });

/**
 * True is for good: nothing starts that thread again. False says nothing: only the last 300 writes are kept, and older
 * versions show none.
 * @throws FleetError `comfy_unavailable` when it does not answer
 */
export async function saysWorkerDied(target: Target, signal: AbortSignal): Promise<boolean> {
  const path = "/internal/logs/raw";
  const reply = await call(target.fetch, target.baseUrl, { path, timeoutMs: target.timeoutMs, signal });
  if (reply.status !== 200) return false;
  const written = parseReply("read ComfyUI's log", reply, Log).entries.map(({ m }) => m ?? "").join("");
  const splitter = createLogSplitter();
  const lines = [...splitter.push(new TextEncoder().encode(written)), ...splitter.flush()];
  return lines.some(({ text, isRest }) => !isRest && scanLogLine(text) === "WorkerDied");
}
