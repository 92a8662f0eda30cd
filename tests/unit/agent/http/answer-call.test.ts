// Calls as tRPC's client sends them: our own answers are those of tRPC's handler.
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import superjson from "superjson";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AgentContext } from "../../../../contracts/agent/ports.ts";
import { agentRouter } from "../../../../contracts/agent/router.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import type { Tracked } from "../../../../contracts/trpc.ts";
import { answerCall, type CallOptions } from "../../../../agent/http/answer-call.ts";
import { systemClock } from "../../../../agent/comfy/clock.ts";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";

const ATTEMPT = "att_01h455vb4pex5vsknk084sn02q";
const PING_MS = 15_000;
const from = { requestId: "req-1", caller: null };

/** What the ports' methods are called with, and what each of them does. */
function portsOf(
  acts: { release?: () => void; watch?: (signal: AbortSignal) => AsyncIterable<unknown>; follow?: typeof lines } = {},
): CallOptions["ports"] {
  const attempts = { release: (ids: string[]) => Promise.resolve(ids).then(acts.release), watch: () => fails() };
  const pod = { watch: acts.watch ?? silentUntil };
  const comfy = { followLogs: acts.follow ?? lines, free: () => Promise.resolve({ requested: true }) };
  return { attempts, pod, comfy, gpu: {}, tailnet: {} } as unknown as CallOptions["ports"];
}

async function* silentUntil(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function* fails(): AsyncGenerator<never> {
  await Promise.resolve();
  throw new FleetError("not_found", "Cannot find the attempt: nobody holds it");
}

async function* lines(): AsyncGenerator<Tracked<unknown>> {
  yield { id: "log:1", data: { type: "line", text: "a\nb" } };
  yield { id: "log:2", data: { type: "line", text: "c" } };
}

function ours(request: Request, ports = portsOf(), maxCallBytes = 1_000): Promise<Response> {
  return answerCall(request, from, { ports, maxCallBytes, clock: systemClock, logger: recordingLogger() });
}

function trpcs(request: Request, ports = portsOf()): Promise<Response> {
  const createContext = () => ({ ...ports, ...from }) as AgentContext;
  return fetchRequestHandler({
    endpoint: "/trpc",
    req: request,
    router: agentRouter,
    allowBatching: false,
    createContext,
  });
}

function post(path: string, body: string | null, headers: Record<string, string> = {}): Request {
  const length = { "content-length": String(Buffer.byteLength(body ?? "")) };
  return new Request(`http://agent/trpc/${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...length, ...headers },
  });
}

function stream(path: string, init: RequestInit = {}): Request {
  return new Request(`http://agent/trpc/${path}`, init);
}

const wellFormed = JSON.stringify({ json: { attemptId: ATTEMPT } });
const released = (code: "conflict" | "internal") => () => {
  throw code === "conflict" ? new FleetError(code, "Cannot release: it goes on") : new TypeError("a fault of ours");
};

describe("a mutation", () => {
  it.each<[string, () => Request, Parameters<typeof portsOf>[0]]>([
    ["done", () => post("attempts.release", wellFormed), {}],
    ["that answers with data", () => post("comfy.free", null), {}],
    ["refused", () => post("attempts.release", wellFormed), { release: released("conflict") }],
    ["that fails", () => post("attempts.release", wellFormed), { release: released("internal") }],
    [
      "with a field too many",
      () => post("attempts.release", JSON.stringify({ json: { attemptId: ATTEMPT, x: 1 } })),
      {},
    ],
    ["without input", () => post("attempts.release", null), {}],
    ["with an empty body", () => post("attempts.release", ""), {}],
    ["with broken JSON", () => post("attempts.release", "{"), {}],
    ["without superjson", () => post("attempts.release", JSON.stringify([ATTEMPT])), {}],
    ["with annotations of classes", () => post("attempts.release", '{"json":{},"meta":{"values":["Date"]}}'), {}],
  ])("%s is answered as tRPC's handler answers it", async (_name, request, acts) => {
    const [answer, expected] = await Promise.all([ours(request(), portsOf(acts)), trpcs(request(), portsOf(acts))]);
    expect(answer.status).toBe(expected.status);
    expect(answer.headers.get("content-type")).toBe(expected.headers.get("content-type"));
    const [said, meant] = [await answer.json(), await expected.json()];
    if ("error" in meant) expect(said).toEqual(meant);
    else expect(superjson.deserialize(said.result.data)).toEqual(superjson.deserialize(meant.result.data));
  });

  it.each<[string, Request]>([
    ["another method", stream("attempts.release")],
    ["another content type", post("attempts.release", wellFormed, { "content-type": "text/plain" })],
    ["a batch", post("attempts.release?batch=1", wellFormed)],
  ])("by %s is refused", async (_name, request) => {
    const release = vi.fn();
    expect((await ours(request, portsOf({ release }))).status).toBe(400);
    expect(release).not.toHaveBeenCalled();
  });

  it("is read no further than it may be long, whether it says so or not", async () => {
    const body = JSON.stringify({ json: { attemptId: ATTEMPT, also: [] }, more: "x".repeat(1_000) });
    await expect(ours(post("attempts.release", body))).rejects.toMatchObject({ code: "payload_too_large" });
    const unsaid = post("attempts.release", body);
    unsaid.headers.delete("content-length");
    await expect(ours(unsaid)).rejects.toMatchObject({ code: "payload_too_large" });
  });

  it("whose body is not declared is answered like the others", async () => {
    const request = post("attempts.release", wellFormed);
    request.headers.delete("content-length");
    expect((await ours(request)).status).toBe(200);
  });
});

/** The events of a stream's text, each with its lines; between two there may be any number of empty ones. */
async function blocksOf(response: Response): Promise<string[]> {
  return (await response.text()).split(/\n\n+/).filter((block) => block !== "");
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
  ])("%s tells what tRPC's handler tells", async (_name, path) => {
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
    async function* once(signal: AbortSignal) {
      await told.promise;
      yield { type: "tick" };
      yield* silentUntil(signal);
    }
    const response = await ours(stream("pod.watch"), portsOf({ watch: once }));
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
    async function* once(signal: AbortSignal) {
      await told.promise;
      yield { type: "tick" };
      yield* silentUntil(signal);
    }
    const reader = (await ours(stream("pod.watch"), portsOf({ watch: once }))).body?.getReader();
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
