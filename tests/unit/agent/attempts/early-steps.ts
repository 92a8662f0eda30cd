// Steps that tests of outputs before the end repeat.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ComfyFile, ComfyText, PromptLookup } from "../../../../agent/comfy/port.ts";
import { outputResponse } from "../../../../agent/http/output-route.ts";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import type { AttemptId } from "../../../../contracts/ids.ts";
import type { ServiceBench } from "./service-bench.ts";

export interface Made {
  files: ComfyFile[];
  texts: ComfyText[];
}

/** Writes a file as ComfyUI does, into the attempt's folder or `temp`, and says which node made it. */
export async function write(
  bench: ServiceBench,
  attemptId: AttemptId,
  file: { nodeId: string; name: string; text: string; temp?: boolean },
): Promise<Made> {
  const subfolder = file.temp ? "" : attemptId;
  const folder = join(bench.folder, "comfy", file.temp ? "temp" : "output", subfolder);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file.name), file.text);
  const made: ComfyFile = { nodeId: file.nodeId, filename: file.name, subfolder, type: file.temp ? "temp" : "output" };
  return { files: [made], texts: [] };
}

export function executed(bench: ServiceBench, promptId: string, made: Made): void {
  const nodeId = made.files[0]?.nodeId ?? made.texts[0]?.nodeId ?? "1";
  bench.comfy.say({ type: "executed", promptId, nodeId, made });
}

export function succeeded(...made: Made[]): PromptLookup {
  return {
    status: "succeeded",
    files: made.flatMap(({ files }) => files),
    texts: made.flatMap(({ texts }) => texts),
    cachedNodes: [],
  };
}

export const names = (report: AttemptReport) => report.outputs.map(({ index, name }) => [index, name]);
export const has = (count: number) => (report: AttemptReport) => report.outputs.length === count;
export const isOver = (report: AttemptReport) => report.finishedAt !== null;

export async function bytesOf(bench: ServiceBench, attemptId: AttemptId, index: number): Promise<string> {
  const rest = { range: undefined, ifRange: undefined, ifNoneMatch: undefined };
  const request = { method: "GET", attemptId, index: String(index), ...rest };
  return await (await outputResponse(request, { attempts: bench.service, workspace: bench.workspace })).text();
}
