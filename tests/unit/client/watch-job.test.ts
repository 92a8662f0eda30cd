import { TRPCClientError } from "@trpc/client";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../client/connection.ts";
import { watchJob, type WatchOptions } from "../../../client/watch-job.ts";
import { FleetError } from "../../../contracts/errors.ts";
import type { JobEvent } from "../../../contracts/event.ts";
import type { JobState } from "../../../contracts/job-state.ts";

const jobId = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";

interface Sent {
  id: string;
  data: JobEvent;
}

interface Handlers {
  onData(event: Sent): void;
  onComplete(): void;
  onError(error: unknown): void;
  onConnectionStateChange(state: { state: string; error: unknown }): void;
}

function status(ver: number, state: JobState): Sent {
  const at = "2026-01-01T00:00:00.000Z";
  return { id: `${ver}`, data: { type: "status", jobId, ver, state, attempt: 1, at, reason: null, job: null } };
}

function progress(ver: number, n: number): Sent {
  const nothing = { nodesDone: 0, nodesTotal: 1, currentNode: null, currentNodeClass: null, step: n, steps: 10 };
  return { id: `${ver}.${n}`, data: { type: "progress", jobId, attempt: 1, progress: { value: n / 10, ...nothing } } };
}

type Script = (handlers: Handlers) => void;

/** Each subscription plays the next script; from which id it resumed is kept. */
function scripted(scripts: Script[]) {
  const resumedFrom: (string | null)[] = [];
  let open = 0;
  const watch = {
    subscribe(input: { lastEventId: string | null }, handlers: Handlers) {
      const script = scripts[resumedFrom.length];
      resumedFrom.push(input.lastEventId);
      open += 1;
      queueMicrotask(() => script?.(handlers));
      return { unsubscribe: () => (open -= 1) };
    },
  };
  const connection = { baseUrl: "http://edge", trpc: { jobs: { watch } } } as unknown as Connection;
  return { connection, resumedFrom, openStreams: () => open };
}

const send = (...events: Sent[]): Script => ({ onData }) => events.forEach(onData);
const thenCut = (script: Script): Script => (handlers) => {
  handlers.onConnectionStateChange({ state: "pending", error: null });
  script(handlers);
  handlers.onConnectionStateChange({ state: "connecting", error: new Error("socket closed") });
};
const refuse = (error: unknown): Script => ({ onError }) => onError(error);

function refusal(code: "not_found" | "unauthorized" | "edge_stopping"): TRPCClientError<never> {
  const fleet = new FleetError(code, `Cannot watch: ${code}`).toEnvelope();
  return TRPCClientError.from({ error: { message: code, code: -32000, data: { fleet } } } as never);
}

async function idsOf(connection: Connection, options: WatchOptions = {}): Promise<string[]> {
  const ids: string[] = [];
  for await (const event of watchJob(connection, jobId, options)) {
    ids.push(event.type === "status" ? `${event.ver} ${event.state}` : event.type);
  }
  return ids;
}

describe("watchJob()", () => {
  it("ends after the terminal event, and leaves no stream open", async () => {
    const { connection, openStreams } = scripted([
      send(status(1, "queued"), status(3, "running"), status(4, "failed")),
    ]);
    expect(await idsOf(connection)).toEqual(["1 queued", "3 running", "4 failed"]);
    expect(openStreams()).toBe(0);
  });

  it("opens a cut stream again from the last event that it handed on", async () => {
    const { connection, resumedFrom, openStreams } = scripted([
      thenCut(send(status(1, "queued"))),
      thenCut(send(status(3, "running"), progress(3, 4))),
      thenCut(() => {}),
      send(status(4, "succeeded")),
    ]);
    expect(await idsOf(connection)).toEqual(["1 queued", "3 running", "progress", "4 succeeded"]);
    expect(resumedFrom).toEqual([null, "1", "3.4", "3.4"]);
    expect(openStreams()).toBe(0);
  });

  it("opens a stream again that the edge ended without a terminal event, as one does that stops", async () => {
    const { connection, resumedFrom } = scripted([
      (handlers) => {
        send(status(1, "queued"))(handlers);
        handlers.onComplete();
      },
      refuse(refusal("edge_stopping")),
      refuse(new Error("connection refused")),
      send(status(2, "canceled")),
    ]);
    expect(await idsOf(connection)).toEqual(["1 queued", "2 canceled"]);
    expect(resumedFrom).toEqual([null, "1", "1", "1"]);
  });

  it.each(["not_found", "unauthorized"] as const)("rejects with %s at once", async (code) => {
    const { connection, resumedFrom } = scripted([refuse(refusal(code))]);
    await expect(idsOf(connection)).rejects.toMatchObject({ code });
    expect(resumedFrom).toHaveLength(1);
  });

  it.each([[401, "unauthorized"], [403, "forbidden"]])(
    "rejects at once when the stream was answered with HTTP %i",
    async (status, code) => {
      const event = Object.assign(new Event("error"), { code: status, message: `Non-200 status code (${status})` });
      const { connection, resumedFrom } = scripted([refuse(TRPCClientError.from(event as never))]);
      await expect(idsOf(connection)).rejects.toMatchObject({ code });
      expect(resumedFrom).toHaveLength(1);
    },
  );

  it("gives up after outageMs without an edge, and says that the job goes on", async () => {
    const { connection } = scripted(Array.from({ length: 20 }, () => refuse(new Error("connection refused"))));
    const giveUp = idsOf(connection, { outageMs: 1 });
    await expect(giveUp).rejects.toMatchObject({ code: "edge_unreachable", hint: expect.stringContaining(jobId) });
  });

  it("rejects with the signal's reason, before and during a stream, and unsubscribes", async () => {
    const reason = new Error("enough");
    const before = scripted([]);
    await expect(idsOf(before.connection, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(before.resumedFrom).toEqual([]);

    const stop = new AbortController();
    const during = scripted([(handlers) => {
      send(status(1, "queued"))(handlers);
      queueMicrotask(() => stop.abort(reason));
    }]);
    await expect(idsOf(during.connection, { signal: stop.signal })).rejects.toBe(reason);
    expect(during.openStreams()).toBe(0);
  });

  it("unsubscribes when the reader leaves the loop", async () => {
    const { connection, openStreams } = scripted([send(status(1, "queued"), status(3, "running"))]);
    for await (const _ of watchJob(connection, jobId)) break;
    expect(openStreams()).toBe(0);
  });
});
