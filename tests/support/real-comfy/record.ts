// Records from a real ComfyUI what the stand-in and the validator are tested against:
//   node tests/support/real-comfy/record.ts     (sets one up when there is none)
// Writes inputs/, the pictures, manifest.json, object-info.json and validation.json in tests/fixtures/comfy.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { ensureRealComfy } from "./setup.ts";
import { startComfy } from "./start.ts";
import { BAD_GRAPHS, type BadGraph } from "./bad-graphs.ts";
import { type RecordingGraph, recordingGraphs } from "./recording-graphs.ts";
import type { Manifest, Recording, ValidationRecording } from "./recordings.ts";
import { interfaceOnly, normalizeAnswer } from "./recordings.ts";
import { postcardPicture, sourcePictures } from "./source-pictures.ts";

const HERE = new URL("../../fixtures/comfy/", import.meta.url);
const WORKFLOWS = new URL("../../fixtures/workflows/", import.meta.url);
const DEADLINE_MS = 60_000;

const CLASSES = [
  ...["EmptyImage", "ImageInvert", "ImageFlip", "ImageCrop", "ImageFromBatch", "ColorTransfer", "LoadImage"],
  ...["ImageBlur", "ImageScale", "GetImageSize"],
  ...["SaveImage", "PreviewImage", "PrimitiveString", "StringConcatenate", "PreviewAny", "SaveText"],
  ...["UNETLoader", "KSampler", "LotusConditioning", "EmptyLatentImage", "VAELoader", "VAEDecode"],
];

type Finished = { status: string; outputs?: Record<string, { images?: Image[] }> };
type Image = { filename: string; subfolder: string; type: string };

async function main(): Promise<void> {
  const real = await ensureRealComfy();
  const comfy = await startComfy({ comfy: real, tinyUnet: true });
  try {
    const uploads = await writeSources();
    // Lists of uploaded files stand in /object_info and in some refusals: both are recorded before any upload.
    const objectInfo: Record<string, unknown> = {};
    for (const name of CLASSES) Object.assign(objectInfo, await getJson(`${comfy.url}/object_info/${name}`));
    await writeJson("object-info.json", { comfyui: real.version, classes: interfaceOnly(objectInfo) });
    const cases: ValidationRecording[] = [];
    for (const bad of BAD_GRAPHS) cases.push(await recordRefusal(comfy.url, bad));
    await writeJson("validation.json", { comfyui: real.version, cases });

    for (const [name, bytes] of uploads) await upload(comfy.url, { name, bytes });
    for (const old of await readdir(HERE)) if (old.endsWith(".png")) await rm(new URL(old, HERE));
    const recordings: Recording[] = [];
    for (const graph of await recordingGraphs(WORKFLOWS)) recordings.push(await record(comfy.url, graph));
    const manifest: Manifest = { comfyui: real.version, recordings };
    await writeJson("manifest.json", manifest);
    process.stdout.write(
      `Recorded ${recordings.length} graphs and ${cases.length} answers of ComfyUI ${real.version}\n`,
    );
  } finally {
    await comfy.stop();
  }
}

async function writeSources(): Promise<Map<string, Uint8Array>> {
  const pictures = sourcePictures();
  await mkdir(new URL("inputs/", HERE), { recursive: true });
  for (const [name, bytes] of pictures) await writeFile(new URL(`inputs/${name}`, HERE), bytes);
  const postcard = postcardPicture();
  await writeFile(new URL("postcard.png", WORKFLOWS), postcard);
  const gradient = pictures.get("gradient.png");
  if (gradient === undefined) throw new Error("Cannot record: there is no gradient.png");
  return new Map([...pictures, ["postcard.png", postcard], ["picture.png", gradient]]);
}

async function recordRefusal(url: string, bad: BadGraph): Promise<ValidationRecording> {
  const response = await post(url, { prompt: bad.graph, ...bad.body });
  const answer: unknown = await response.json();
  const { name, graph, body } = bad;
  return { name, graph, ...(body ? { body } : {}), status: response.status, answer: normalizeAnswer(answer) };
}

async function record(url: string, { name, graph, tolerance, most }: RecordingGraph): Promise<Recording> {
  const id = crypto.randomUUID();
  const response = await post(url, { prompt: graph, prompt_id: id });
  if (response.status !== 200) throw new Error(`Cannot record ${name}: ${await response.text()}`);
  const finished = await waitFinished(url, id);
  if (finished.status !== "completed") throw new Error(`Cannot record ${name}: ${JSON.stringify(finished)}`);
  const outputs: Recording["outputs"] = [];
  for (const [node, output] of Object.entries(finished.outputs ?? {})) {
    for (const [index, image] of (output.images ?? []).entries()) {
      const query = new URLSearchParams(image);
      const bytes = await (await fetch(`${url}/view?${query}`, { signal: AbortSignal.timeout(DEADLINE_MS) })).bytes();
      const file = `${name}-${index}.png`;
      await writeFile(new URL(file, HERE), bytes);
      outputs.push({ node, index, file, type: image.type });
    }
  }
  return { name, graph, tolerance, ...(most === undefined ? {} : { most }), outputs };
}

async function waitFinished(url: string, id: string): Promise<Finished> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const job = await getJson(`${url}/api/jobs/${id}`) as Finished;
    if (!["pending", "in_progress"].includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot record ${id}: it did not finish within ${DEADLINE_MS} ms`);
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(`${url}/prompt`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
}

async function getJson(url: string): Promise<unknown> {
  return await (await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) })).json();
}

async function upload(url: string, { name, bytes }: { name: string; bytes: Uint8Array }): Promise<void> {
  const form = new FormData();
  form.set("image", new Blob([Buffer.from(bytes)]), name);
  const response = await fetch(`${url}/upload/image`, {
    method: "POST",
    body: form,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (response.status !== 200) throw new Error(`Cannot upload ${name}: status ${response.status}`);
}

async function writeJson(name: string, value: unknown): Promise<void> {
  await writeFile(new URL(name, HERE), `${JSON.stringify(value, null, 1)}\n`);
}

await main();
