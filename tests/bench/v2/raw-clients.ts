/** Own clients of the v2 routes, as plain as they can be: one polls, one reads the events. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { SdkTarget } from "../../support/sdk/connect.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import type { JobOutcome, V2Client } from "./client.ts";

/** `url` is where its bytes are, absolute, and of the fleet signed. */
const Output = z.object({ url: z.string() });
const Job = z.object({ id: z.string(), status: z.string(), outputs: z.array(Output) });
const StatusData = z.object({ status: z.string() });

const TERMINAL = new Set(["succeeded", "failed", "canceled", "expired"]);
/** Between two polls, where a server does not hold them. */
const PAUSE_MS = 10;
/** A job takes milliseconds; one that is not done by then is lost. */
const DEADLINE_MS = 60_000;

interface End {
  state: string;
  outputUrl: string | null;
}

/** How the end of a job becomes known. */
type Follow = (jobId: string, ask: Ask) => Promise<End>;
type Ask = (
  path: string,
  init?: { method?: string; headers?: Record<string, string>; body?: string },
) => Promise<Response>;

async function jobOf(jobId: string, ask: Ask): Promise<End> {
  const { status, outputs } = Job.parse(await (await ask(`/api/v2/jobs/${jobId}`)).json());
  return { state: status, outputUrl: outputs[0]?.url ?? null };
}

const byPolling: Follow = async (jobId, ask) => {
  while (true) {
    const job = await jobOf(jobId, ask);
    if (TERMINAL.has(job.state)) return job;
    await sleep(PAUSE_MS);
  }
};

async function* eventsIn(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ event: string; data: unknown }> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text = (text + decoder.decode(chunk, { stream: true })).replaceAll("\r\n", "\n");
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const event = /^event: ?(.*)$/m.exec(frame)?.[1];
      const data = [...frame.matchAll(/^data: ?(.*)$/gm)].map(([, line]) => line).join("\n");
      if (event !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}

const byEvents: Follow = async (jobId, ask) => {
  const { body } = await ask(`/api/v2/jobs/${jobId}/events`, { headers: { accept: "text/event-stream" } });
  let outputUrl: string | null = null;
  for await (const { event, data } of eventsIn(body ?? new ReadableStream())) {
    if (event === "output") outputUrl ??= Output.parse(data).url;
    if (event !== "status") continue;
    const { status: state } = StatusData.parse(data);
    if (!TERMINAL.has(state)) continue;
    return outputUrl === null && state === "succeeded" ? await jobOf(jobId, ask) : { state, outputUrl };
  }
  return await byPolling(jobId, ask);
};

function connect({ baseUrl, apiKey }: SdkTarget, follow: Follow): V2Client {
  async function outcome(graph: Workflow): Promise<Omit<JobOutcome, "wallMs">> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const ask: Ask = async (path, init = {}) => {
      const headers = { ...init.headers, authorization: `Bearer ${apiKey}` };
      const response = await fetch(new URL(path, `${baseUrl}/`), { ...init, headers, signal });
      if (!response.ok) throw new RefusedError(response.status, await response.text());
      return response;
    };
    try {
      const made = await ask("/api/v2/jobs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ workflow: graph }),
      });
      const { state, outputUrl } = await follow(Job.parse(await made.json()).id, ask);
      if (outputUrl === null) return { state, sizeBytes: 0 };
      return { state, sizeBytes: (await (await ask(outputUrl)).arrayBuffer()).byteLength };
    } catch (error) {
      if (error instanceof RefusedError) return { state: error.message, sizeBytes: 0 };
      throw error;
    }
  }
  return {
    async run(graph) {
      const startedMs = performance.now();
      const { state, sizeBytes } = await outcome(graph);
      return { wallMs: performance.now() - startedMs, state, sizeBytes };
    },
    async [Symbol.asyncDispose]() {},
  };
}

class RefusedError extends Error {
  constructor(status: number, body: string) {
    super(`${status} ${body.slice(0, 200)}`);
  }
}

export const connectPolling = (target: SdkTarget): V2Client => connect(target, byPolling);
export const connectEvents = (target: SdkTarget): V2Client => connect(target, byEvents);
