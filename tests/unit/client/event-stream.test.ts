import { describe, expect, it } from "vitest";
import type { Connection } from "../../../client/connection.ts";
import { eventStream } from "../../../client/event-stream.ts";
import type { JobEvent } from "../../../contracts/event.ts";

const jobId = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";
const INPUT = { jobId, previews: true, lastEventId: null } as const;

interface Handlers {
  onData(event: { id: string; data: JobEvent }): void;
  onComplete(): void;
}

function progress(n: number): { id: string; data: JobEvent } {
  const snapshot = {
    value: n / 10,
    nodesDone: 0,
    nodesTotal: 1,
    currentNode: null,
    currentNodeClass: null,
    step: n,
    steps: 10,
  };
  return { id: `2.${n}`, data: { type: "progress", jobId, attempt: 1, progress: snapshot } };
}

function status(ver: number): { id: string; data: JobEvent } {
  const at = "2026-01-01T00:00:00.000Z";
  return {
    id: `${ver}`,
    data: { type: "status", jobId, ver, state: "running", attempt: 1, at, reason: null, job: null },
  };
}

/** A connection whose only subscription is driven by the test. */
function scripted() {
  const opened = Promise.withResolvers<Handlers>();
  let closed = false;
  const watch = {
    subscribe(_input: unknown, handlers: Handlers) {
      opened.resolve(handlers);
      return { unsubscribe: () => (closed = true) };
    },
  };
  return {
    connection: { trpc: { jobs: { watch } } } as unknown as Connection,
    opened: opened.promise,
    isClosed: () => closed,
  };
}

describe("eventStream()", () => {
  it("keeps every status for a slow reader, and only the last progress", async () => {
    const { connection, opened } = scripted();
    const stream = eventStream(connection, INPUT, undefined);
    const first = stream.next();
    const { onData, onComplete } = await opened;
    onData(status(1));
    expect((await first).value).toMatchObject({ id: "1" });
    for (const event of [progress(1), status(2), progress(2), status(3), progress(3)]) onData(event);
    onComplete();
    const rest: string[] = [];
    for await (const event of stream) rest.push(event.id);
    expect(rest).toEqual(["2", "3", "2.3"]);
  });

  it("ends and unsubscribes when its signal is aborted, whatever is still unread", async () => {
    const { connection, opened, isClosed } = scripted();
    const stop = new AbortController();
    const stream = eventStream(connection, INPUT, stop.signal);
    const first = stream.next();
    const { onData } = await opened;
    onData(status(1));
    await first;
    onData(status(2));
    stop.abort();
    expect(await stream.next()).toMatchObject({ done: true });
    expect(isClosed()).toBe(true);
  });
});
