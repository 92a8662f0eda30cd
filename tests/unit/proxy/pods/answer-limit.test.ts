import { describe, expect, it } from "vitest";
import { toAgentError } from "../../../../proxy/pods/agent-error.ts";
import { createAgents } from "../../../../proxy/pods/agents.ts";
import { eventGauge, limitedBody } from "../../../../proxy/pods/answer-limit.ts";
import { ensureObjectInfo } from "../../../../proxy/pods/object-info.ts";
import { podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";

const MIB = 1024 * 1024;
const POD = podId(1);
const encode = (text: string) => new TextEncoder().encode(text);

/** An agent that answers every request with `head` and then with this chunk, for ever. */
function endlessAgent(init: ResponseInit, head: string, chunk: string) {
  const state = { sentBytes: 0, canceled: false };
  const bytes = encode(chunk);
  const answer = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(encode(head)),
        pull(controller) {
          state.sentBytes += bytes.byteLength;
          if (state.sentBytes > 256 * MIB) controller.error(new Error("nobody stopped it"));
          else controller.enqueue(bytes);
        },
        cancel() {
          state.canceled = true;
        },
      }),
      init,
    );
  const clock = createManualClock();
  const agents = createAgents({ transport: { fetch: () => Promise.resolve(answer()) }, clock, firstEventMs: 10_000 });
  return { state, agents, clock };
}

async function failureOf(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    return toAgentError(error);
  }
  throw new Error("it did not fail");
}

describe("limitedBody()", () => {
  const streamed = (text: string, headers: Record<string, string> = {}) =>
    new Response(new Blob([text]).stream(), { status: 201, headers: { etag: "x", ...headers } });

  it("keeps status, headers and bytes of an answer of exactly as much as allowed", async () => {
    const answer = limitedBody(streamed("1234"), 4);
    expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([201, "x", "1234"]);
  });

  it("refuses one byte more while it is read", async () => {
    await expect(limitedBody(streamed("12345"), 4).text()).rejects.toThrow(/answer: it has more than 4 bytes/);
  });

  it("refuses a declared length before a byte is read, and passes on one that is within", async () => {
    expect(() => limitedBody(streamed("12345", { "content-length": "5" }), 4)).toThrow(/more than 4 bytes/);
    const answer = streamed("1234", { "content-length": "4" });
    expect(limitedBody(answer, 4)).toBe(answer);
  });

  it.each(["content-encoding", "transfer-encoding"])(
    "counts an answer with %s, whatever length it declares",
    async (name) => {
      const answer = streamed("12345", { "content-length": "1", [name]: "x" });
      await expect(limitedBody(answer, 4).text()).rejects.toThrow(/more than 4 bytes/);
    },
  );
});

describe("eventGauge()", () => {
  it.each([["one by one", 1], ["in any pieces", 7], ["at once", 10_000]])(
    "lets any number of events through that come %s",
    (_how, size) => {
      const gauge = eventGauge(20);
      const stream = encode("event: a\ndata: 12345\n\n: ping\r\n\r\ndata: 0123456789\n\n".repeat(100));
      for (let at = 0; at < stream.length; at += size) gauge(stream.subarray(at, at + size));
    },
  );

  it.each([["one line", "data: 1234567890"], ["many lines", "data: 1\ndata: 2\ndata: 3"], [
    "bare returns",
    "\r\r\r\r\r\r\r\r\r\r\r",
  ]])(
    "refuses one event that is too long, in %s",
    (_how, event) => {
      const gauge = eventGauge(10);
      expect(() => [...encode(event)].forEach((byte) => gauge(Uint8Array.of(byte)))).toThrow(/event/);
    },
  );
});

describe("createAgents()", () => {
  it("client() gives up an answer without an end, with a typed error, and closes the connection", async () => {
    const json = { headers: { "content-type": "application/json" } };
    const { agents, state } = endlessAgent(json, '{"result":{"data":{"json":["', "x".repeat(MIB));
    expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ code: "agent_incompatible" });
    expect(state.canceled).toBe(true);
    expect(state.sentBytes).toBeLessThan(20 * MIB);
  });

  it("client() gives up an error without an end", async () => {
    const { agents, state } = endlessAgent({ status: 500 }, '{"error":"', "x".repeat(MIB));
    expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ code: "agent_incompatible" });
    expect(state.canceled).toBe(true);
  });

  it("watchPod() gives up an event without an end, and says why", async () => {
    const { agents, state } = endlessAgent(
      { headers: { "content-type": "text/event-stream" } },
      "data: ",
      "x".repeat(MIB),
    );
    const failure = await failureOf(Array.fromAsync(agents.watchPod(POD, AbortSignal.timeout(5_000))));
    expect(failure).toMatchObject({ code: "agent_incompatible", message: expect.stringContaining("event") });
    expect(state.sentBytes).toBeLessThan(8 * MIB);
  });

  it("watchPod() gives up a refusal without an end", async () => {
    const { agents, state } = endlessAgent({ status: 403 }, "", "x".repeat(MIB));
    const failure = await failureOf(Array.fromAsync(agents.watchPod(POD, AbortSignal.timeout(5_000))));
    expect(failure).toMatchObject({ code: "unauthorized" });
    expect(state.sentBytes).toBeLessThan(4 * MIB);
  });
});

describe("ensureObjectInfo()", () => {
  it("gives up a body without an end", async () => {
    const { agents, clock, state } = endlessAgent({}, "{", " ".repeat(MIB));
    const store = { seeObjectInfo: () => Promise.resolve(false), putObjectInfo: () => Promise.resolve() };
    const wanted = { podId: POD, sha256: "0".repeat(64) };
    const failure = await failureOf(
      ensureObjectInfo({ store, agents, clock, timeoutMs: 60_000 }, wanted, new AbortController().signal),
    );
    expect(failure).toMatchObject({ code: "agent_incompatible" });
    expect(state).toMatchObject({ canceled: true });
    expect(state.sentBytes).toBeLessThan(68 * MIB);
  });
});
