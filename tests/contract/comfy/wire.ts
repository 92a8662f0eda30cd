// The calls that the cases make, each with a deadline. Answers stay as they came: the cases say what they must be.
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { noteRequest } from "./coverage.ts";

/** An answer as text, and as JSON where it is. */
export type Answer = { status: number; headers: Headers; text: string; json: unknown };

export const ANSWER_TIMEOUT_MS = 15_000;
/** A whole job, on two slow cores. */
export const JOB_TIMEOUT_MS = 25_000;

/** What ComfyUI says in plain text when a handler throws. */
export const PLAIN_500 = "500 Internal Server Error\n\nServer got itself in trouble";

/** One request, to the end of its body. */
export function call(comfy: StartedComfy, path: string, init: RequestInit = {}): Promise<Answer> {
  noteRequest(init.method ?? "GET", path);
  return callUnnoted(comfy, path, init);
}

/** One request that does not count as a case for its route. */
export async function callUnnoted(comfy: StartedComfy, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${comfy.url}${path}`, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** POST with a JSON body (a string is sent as it is). */
export function post(comfy: StartedComfy, path: string, body: unknown): Promise<Answer> {
  return call(comfy, path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
}

/** Submits a graph that must be accepted, and returns its id. */
export async function submit(
  comfy: StartedComfy,
  graph: unknown,
  extra: Record<string, unknown> = {},
): Promise<string> {
  const id = crypto.randomUUID();
  const answer = await post(comfy, "/prompt", { prompt: graph, prompt_id: id, ...extra });
  if (answer.status !== 200) throw new Error(`Cannot submit a graph: status ${answer.status}, ${answer.text}`);
  return z.looseObject({ prompt_id: z.string() }).parse(answer.json).prompt_id;
}

const jobSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  outputs: z.record(z.string(), z.record(z.string(), z.array(z.unknown()))).optional(),
});

/** GET /api/jobs/{id}, only what every case reads; the rest is kept. */
export type Job = z.infer<typeof jobSchema>;

/** The job, or undefined where it is unknown. */
export async function getJob(comfy: StartedComfy, id: string): Promise<Job | undefined> {
  const answer = await call(comfy, `/api/jobs/${id}`);
  return answer.status === 404 ? undefined : jobSchema.parse(answer.json);
}

/** Waits until the job has one of the statuses. */
export async function waitForStatus(comfy: StartedComfy, id: string, ...statuses: string[]): Promise<Job> {
  return await waitUntil(`job ${id} is ${statuses.join(" or ")}`, async () => {
    const job = await getJob(comfy, id);
    return job !== undefined && statuses.includes(job.status) ? job : undefined;
  });
}

/** Waits until the job has ended, well or badly. */
export function waitForEnd(comfy: StartedComfy, id: string): Promise<Job> {
  return waitForStatus(comfy, id, "completed", "failed", "cancelled");
}

/** Submits and waits for the end. */
export async function run(
  comfy: StartedComfy,
  graph: unknown,
  extra: Record<string, unknown> = {},
): Promise<Job> {
  return await waitForEnd(comfy, await submit(comfy, graph, extra));
}

/** Cancels until the job has ended: a cancel that comes just before the start can be lost. */
export async function cancel(comfy: StartedComfy, id: string): Promise<Job | undefined> {
  return await waitUntil(`job ${id} has ended after a cancel`, async () => {
    await post(comfy, `/api/jobs/${id}/cancel`, "");
    const job = await getJob(comfy, id);
    if (job === undefined) return { job };
    return ["completed", "failed", "cancelled"].includes(job.status) ? { job } : undefined;
  }).then(({ job }) => job);
}

/** Ends whatever runs or waits, so that the next case finds an idle server. */
export async function settle(comfy: StartedComfy): Promise<void> {
  await post(comfy, "/queue", { clear: true });
  await waitUntil("the queue is empty", async () => {
    const { json } = await call(comfy, "/prompt");
    const remaining = z.looseObject({ exec_info: z.looseObject({ queue_remaining: z.number() }) }).parse(json);
    if (remaining.exec_info.queue_remaining === 0) return true;
    await post(comfy, "/interrupt", "{}");
    return undefined;
  });
}

/** Asks every 20 ms until there is an answer. */
export async function waitUntil<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = JOB_TIMEOUT_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Cannot see that ${what}: not within ${timeoutMs} ms`);
    await sleep(20);
  }
}

/** An entry of an output list that names a file. */
export type FileEntry = { filename: string; subfolder: string; type: string };

const fileSchema = z.looseObject({ filename: z.string(), subfolder: z.string(), type: z.string() });

/** The files of one node of a finished job. */
export function filesOf(job: Job, node: string, key = "images"): FileEntry[] {
  return z.array(fileSchema).parse(job.outputs?.[node]?.[key] ?? []);
}

/** The address of a file's bytes. */
export function viewPath({ filename, subfolder, type }: FileEntry): string {
  return `/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

/** The bytes of a file, over HTTP. */
export async function viewBytes(comfy: StartedComfy, file: FileEntry): Promise<Uint8Array> {
  return await bytesAt(comfy, viewPath(file));
}

/** The bytes that a path answers. */
export async function bytesAt(comfy: StartedComfy, path: string): Promise<Uint8Array> {
  noteRequest("GET", path);
  const response = await fetch(`${comfy.url}${path}`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (response.status !== 200) throw new Error(`Cannot read ${path}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export type UploadOptions = {
  name: string;
  bytes: Uint8Array | string;
  fields?: Readonly<Record<string, string>>;
  /** Route. Default: /upload/image. */
  path?: string;
};

/** Uploads one file as a browser's form would. */
export function upload(comfy: StartedComfy, { name, bytes, fields = {}, path }: UploadOptions): Promise<Answer> {
  const form = new FormData();
  form.set("image", new Blob([typeof bytes === "string" ? bytes : Buffer.from(bytes)]), name);
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  return call(comfy, path ?? "/upload/image", { method: "POST", body: form });
}
