// Both contracts keep a stream with nothing to tell alive: proxies on the way cut one that is silent for long.
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AgentContext } from "../../../contracts/agent/ports.ts";
import { agentRouter } from "../../../contracts/agent/router.ts";
import type { EdgeContext, Tracked } from "../../../contracts/edge/ports.ts";
import { edgeRouter } from "../../../contracts/edge/router.ts";
import type { JobEvent } from "../../../contracts/event.ts";

const JOB_ID = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";
const PING_MS = 15_000;

const caller: EdgeContext["caller"] = {
  keyId: "key_01jd8qf2e0f0x8j3m5p7q9s1tv",
  tenantId: "tenant_01jd8qf2e0f0x8j3m5p7q9s1tv",
  scopes: ["jobs:read"],
};

async function silentUntil(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A job that waits for a pod: it tells that it is queued, and then nothing more. */
async function* queuedJob(signal: AbortSignal): AsyncGenerator<Tracked<JobEvent>> {
  const at = "2026-01-01T00:00:00.000Z";
  yield {
    id: "1",
    data: { type: "status", jobId: JOB_ID, ver: 1, state: "queued", attempt: 0, at, reason: null, job: null },
  };
  await silentUntil(signal);
}

async function* idlePod(signal: AbortSignal): AsyncGenerator<never> {
  await silentUntil(signal);
}

function watchJob(req: Request): Promise<Response> {
  const jobs: Partial<EdgeContext["jobs"]> = { watch: (_caller, _input, signal) => queuedJob(signal) };
  return fetchRequestHandler({
    ...{ endpoint: "/trpc", req, router: edgeRouter },
    createContext: () => ({ requestId: "req-1", caller, jobs }) as EdgeContext,
  });
}

function watchPod(req: Request): Promise<Response> {
  const pod: Partial<AgentContext["pod"]> = { watch: idlePod };
  return fetchRequestHandler({
    ...{ endpoint: "/trpc", req, router: agentRouter },
    createContext: () => ({ requestId: "req-1", pod }) as AgentContext,
  });
}

/** What the stream has sent so far, as the names of its events; "message" is one without a name. */
function readEvents(response: Response): { names: () => string[]; text: () => string } {
  let text = "";
  void response.body?.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write(chunk) {
        text += chunk;
      },
    }),
  ).catch(() => undefined);
  const blocks = () => text.split("\n\n").filter((block) => block.trim() !== "");
  return { text: () => text, names: () => blocks().map((block) => /^event: (.+)$/m.exec(block)?.[1] ?? "message") };
}

const input = encodeURIComponent(JSON.stringify({ json: { jobId: JOB_ID } }));
const streams = [
  { name: "jobs.watch of a queued job", open: watchJob, path: `jobs.watch?input=${input}`, first: ["message"] },
  { name: "pod.watch of an idle pod", open: watchPod, path: "pod.watch", first: [] },
];

describe.each(streams)("$name", ({ open, path, first }) => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("sends a ping after every 15 s in which it has nothing to tell, and none sooner", async () => {
    const reader = new AbortController();
    const response = await open(
      new Request(`http://fleet/trpc/${path}`, {
        headers: { accept: "text/event-stream" },
        signal: reader.signal,
      }),
    );
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = readEvents(response);
    const opened = ["connected", ...first];
    await vi.advanceTimersByTimeAsync(PING_MS - 1);
    expect(events.names()).toEqual(opened);
    await vi.advanceTimersByTimeAsync(1);
    expect(events.names()).toEqual([...opened, "ping"]);
    await vi.advanceTimersByTimeAsync(2 * PING_MS);
    expect(events.names()).toEqual([...opened, "ping", "ping", "ping"]);
    reader.abort();
  });

  it("tells clients to open it anew only after more than two pings have not come", async () => {
    const reader = new AbortController();
    const events = readEvents(await open(new Request(`http://fleet/trpc/${path}`, { signal: reader.signal })));
    await vi.advanceTimersByTimeAsync(1);
    const [, patienceMs] = /"reconnectAfterInactivityMs":(\d+)/.exec(events.text()) ?? [];
    expect(Number(patienceMs)).toBeGreaterThan(2 * PING_MS);
    reader.abort();
  });
});
