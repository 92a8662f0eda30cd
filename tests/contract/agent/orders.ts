// Orders as an edge makes them, and the way to their end.
import { createHash } from "node:crypto";
import { typeid } from "typeid-js";
import type { AttemptInput, AttemptReport, StartAttempt } from "../../../contracts/attempt.ts";
import { isAttemptFinal } from "../../../contracts/attempt.ts";
import { AssetId, AttemptId, JobId, PodId } from "../../../contracts/ids.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { type AgentProcess, until } from "./agent-process.ts";

export const POD_ID = PodId.parse(typeid("pod").toString());

export function newAttemptId(): AttemptId {
  return AttemptId.parse(typeid("att").toString());
}

export function order(workflow: Workflow, change: Partial<StartAttempt> = {}): StartAttempt {
  return {
    podId: POD_ID,
    epoch: 1,
    attemptId: newAttemptId(),
    jobId: JobId.parse(typeid("job").toString()),
    no: 1,
    workflow,
    inputs: [],
    after: null,
    runWithinMs: 600_000,
    previews: false,
    ...change,
  };
}

export function inputOf(bytes: Uint8Array, fileName: string): AttemptInput {
  return {
    assetId: AssetId.parse(typeid("asset").toString()),
    sha256: sha256Of(bytes),
    sizeBytes: bytes.length,
    fileName,
  };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

let serial = 0;

function freshColor(): number {
  serial += 1;
  return (serial * 7_919) % 0xffffff;
}

/** Two pictures of one colour, saved. */
export function imageGraph(prefix = "picture"): Workflow {
  const canvas = { width: 16, height: 16, batch_size: 2, color: freshColor() };
  return {
    "1": { class_type: "EmptyImage", inputs: canvas },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: prefix } },
  };
}

/** `frames` steps of work, 7.5 ms each for frames of 512 x 512. */
export function slowGraph(frames: number): Workflow {
  const target = { width: 512, height: 512, batch_size: frames, color: freshColor() };
  const settings = { method: "histogram", source_stats: "per_frame", strength: 1 };
  return {
    "1": { class_type: "EmptyImage", inputs: target },
    "2": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: freshColor() } },
    "3": { class_type: "ColorTransfer", inputs: { image_target: ["1", 0], image_ref: ["2", 0], ...settings } },
    "4": { class_type: "ImageFromBatch", inputs: { image: ["3", 0], batch_index: 0, length: 1 } },
    "5": { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "slow" } },
  };
}

/** A first frame that is saved at once, and {@link slowGraph} beside it, whose picture comes at the end. */
export function firstThenSlowGraph(frames: number): Workflow {
  return {
    ...slowGraph(frames),
    "6": { class_type: "ImageFromBatch", inputs: { image: ["1", 0], batch_index: 0, length: 1 } },
    "7": { class_type: "SaveImage", inputs: { images: ["6", 0], filename_prefix: "first" } },
  };
}

/** One picture that only goes to ComfyUI's temporary folder. */
export function previewGraph(): Workflow {
  const canvas = { width: 16, height: 16, batch_size: 1, color: freshColor() };
  return {
    "1": { class_type: "EmptyImage", inputs: canvas },
    "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  };
}

export function invertGraph(assetId: string): Workflow {
  return {
    "1": { class_type: "LoadImage", inputs: { image: { __type: "core/ASSET", info: { id: assetId } } } },
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "inverted" } },
  };
}

export function textGraph(): Workflow {
  return {
    "1": { class_type: "PrimitiveString", inputs: { value: `hello ${freshColor()}` } },
    "2": { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
    "3": { class_type: "SaveText", inputs: { text: ["1", 0], filename_prefix: "text", format: "txt" } },
  };
}

export async function finalReport(agent: AgentProcess, attemptId: AttemptId): Promise<AttemptReport> {
  return await reportWhen(agent, attemptId, (report) => isAttemptFinal(report.state));
}

export async function reportWhen(
  agent: AgentProcess,
  attemptId: AttemptId,
  test: (report: AttemptReport) => boolean,
): Promise<AttemptReport> {
  return await until(async () => {
    const report = await agent.client.attempts.get.query({ attemptId });
    return test(report) ? report : null;
  }, () => agent.log);
}
