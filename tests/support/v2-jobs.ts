// Jobs over the Comfy API v2 as a plain HTTP client makes them.
import { z } from "zod";
import type { Workflow } from "../../contracts/workflow.ts";

const DEADLINE_MS = 30_000;
const FINAL = ["succeeded", "failed", "canceled", "expired"];

const V2Job = z.looseObject({
  id: z.uuid(),
  status: z.string(),
  outputs: z.array(z.looseObject({ url: z.url() })),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
});
type V2Job = z.infer<typeof V2Job>;

export interface V2Caller {
  baseUrl: string;
  apiKey: string;
}

export async function callV2({ baseUrl, apiKey }: V2Caller, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  return await fetch(`${baseUrl}/api/v2${path}`, { headers, signal: AbortSignal.timeout(DEADLINE_MS), ...init });
}

/** @param extraData as it is sent; undefined: none */
export async function submitV2(caller: V2Caller, workflow: Workflow, extraData?: unknown): Promise<V2Job> {
  const body = JSON.stringify({ workflow, ...(extraData === undefined ? {} : { extra_data: extraData }) });
  const response = await callV2(caller, "/jobs", { method: "POST", body });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`Cannot submit: ${response.status} ${text}`);
  return V2Job.parse(JSON.parse(text));
}

export async function finalV2(caller: V2Caller, id: string): Promise<V2Job> {
  const endMs = Date.now() + DEADLINE_MS;
  for (;;) {
    const job = V2Job.parse(await (await callV2(caller, `/jobs/${id}`)).json());
    if (FINAL.includes(job.status)) return job;
    if (Date.now() > endMs) throw new Error(`Cannot see the end of job ${id}: it is ${job.status}`);
  }
}

/** The bytes of the first output as text, by its own address. */
export async function outputText(job: V2Job): Promise<string> {
  const response = await fetch(job.outputs[0]?.url ?? "", { signal: AbortSignal.timeout(DEADLINE_MS) });
  if (!response.ok) throw new Error(`Cannot read the output: ${response.status}`);
  return await response.text();
}
