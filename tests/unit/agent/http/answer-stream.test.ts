// Subscriptions as tRPC's client sends them: our own answers beside those of tRPC's handler.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lines, ours, portsOf, silentUntil, stream, trpcs, wellFormed } from "./both-answers.ts";

const PING_MS = 15_000;

/** The events of a stream's text, each with its lines; between two there may be any number of empty ones. */
async function blocksOf(response: Response): Promise<string[]> {
  return (await response.text()).split(/\n\n+/).filter((block) => block !== "");
}

async function* tickOnce(told: Promise<void>, signal: AbortSignal): AsyncGenerator<unknown> {
  await told;
  yield { type: "tick" };
  yield* silentUntil(signal);
}

describe("a subscription", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const logs = `comfy.followLogs?input=${encodeURIComponent(JSON.stringify({ json: {} }))}`;
  const attempt = `attempts.watch?input=${encodeURIComponent(wellFormed)}`;

  it.each([
    ["that ends in order, its events with ids", logs],
    ["that fails", attempt],
    ["whose input is malformed", "attempts.watch?input=%7B"],
    ["without the input that it needs", "attempts.watch"],
  ])("%s has the headers that matter and the events of tRPC's answer", async (_name, path) => {
    const [answer, expected] = await Promise.all([ours(stream(path)), trpcs(stream(path))]);
    expect(answer.status).toBe(200);
    for (const name of ["content-type", "cache-control", "x-accel-buffering"]) {
      expect(answer.headers.get(name)).toBe(expected.headers.get(name));
    }
    const blocks = await blocksOf(answer);
    expect(blocks).toEqual(await blocksOf(expected));
    expect(blocks.length).toBeGreaterThan(1);
  });

  it("goes on after the id that its reader has seen last, however that is said", async () => {
    const follow = vi.fn(lines);
    const input = encodeURIComponent(JSON.stringify({ json: {} }));
    await ours(stream(`comfy.followLogs?input=${input}&lastEventId=log:1`), portsOf({ follow }));
    await ours(
      stream(`comfy.followLogs?input=${input}`, { headers: { "last-event-id": "log:1" } }),
      portsOf({ follow }),
    );
    expect(follow.mock.calls.map(([read]: unknown[]) => read)).toMatchObject([
      { lastEventId: "log:1" },
      { lastEventId: "log:1" },
    ]);
  });

  it("pings after every 15 s in which it has nothing to tell, and none sooner", async () => {
    const told = Promise.withResolvers<void>();
    const ports = portsOf({ watch: (signal) => tickOnce(told.promise, signal) });
    const response = await ours(stream("pod.watch"), ports);
    let text = "";
    void response.body?.pipeTo(new WritableStream({ write: (chunk) => void (text += Buffer.from(chunk).toString()) }));
    const pings = () => text.split("event: ping\ndata: \n\n").length - 1;
    await vi.advanceTimersByTimeAsync(PING_MS - 1);
    expect(pings()).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(pings()).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    told.resolve();
    await vi.advanceTimersByTimeAsync(PING_MS - 1);
    expect(pings()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(pings()).toBe(2);
    expect(text).toContain('data: {"json":{"type":"tick"}}\n\n');
  });

  it("keeps one ping at most for a reader that does not read on, and then its events", async () => {
    const told = Promise.withResolvers<void>();
    const ports = portsOf({ watch: (signal) => tickOnce(told.promise, signal) });
    const reader = (await ours(stream("pod.watch"), ports)).body?.getReader();
    const read: string[] = [];
    const readOn = async () =>
      void read.push(Buffer.from((await reader?.read())?.value ?? []).toString().split("\n")[0] ?? "");
    await readOn();
    void readOn();
    await vi.advanceTimersByTimeAsync(10 * PING_MS);
    expect(read).toEqual(["event: connected", "event: ping"]);
    void readOn();
    void readOn();
    await vi.advanceTimersByTimeAsync(1);
    expect(read).toEqual(["event: connected", "event: ping", "event: ping"]);
    told.resolve();
    await vi.advanceTimersByTimeAsync(1);
    expect(read.slice(3)).toEqual(['data: {"json":{"type":"tick"}}']);
    await reader?.cancel();
  });

  it("lets go of its events when its reader leaves or its caller has gone, read or unread", async () => {
    let open = 0;
    async function* counted(signal: AbortSignal): AsyncGenerator<unknown> {
      open += 1;
      try {
        yield { type: "tick" };
        yield { type: "tick" };
        yield* silentUntil(signal);
      } finally {
        open -= 1;
      }
    }
    const ports = portsOf({ watch: counted });
    for (const reads of [1, 2, 3, 4]) {
      const gone = new AbortController();
      const readers = [stream("pod.watch"), stream("pod.watch", { signal: gone.signal })].map(async (request) => {
        const reader = (await ours(request, ports)).body?.getReader();
        for (let at = 0; at < reads; at++) {
          const read = reader?.read();
          if (at < 3) await read;
        }
        return reader;
      });
      const [left, cut] = await Promise.all(readers);
      expect(open).toBe(reads === 1 ? 0 : 2);
      gone.abort();
      await Promise.all([left?.cancel(), cut?.cancel()]);
      await vi.advanceTimersByTimeAsync(0);
      expect([reads, open]).toEqual([reads, 0]);
      expect(vi.getTimerCount()).toBe(0);
    }
  });
});
