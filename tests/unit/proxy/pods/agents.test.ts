import superjson from "superjson";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { AttemptEvent } from "../../../../contracts/attempt.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import { formatTraceparent } from "../../../../contracts/telemetry/trace-context.ts";
import { toAgentError } from "../../../../proxy/pods/agent-error.ts";
import type { AgentClient } from "../../../../proxy/pods/agent-client.ts";
import { createAgents } from "../../../../proxy/pods/agents.ts";
import { traceContext } from "../../../../proxy/pods/call-trace.ts";
import type { AgentRequest } from "../../../../proxy/pods/port.ts";
import { reportOf, strangeAttemptId } from "../../../support/agent-reports.ts";
import { createFakeAgent } from "../../../support/fake-agent.ts";
import { createFaultyTransport } from "../../../support/faulty-transport.ts";
import { jobId, podId } from "../jobs/ids.ts";
import { createManualClock, settle } from "../jobs/manual-clock.ts";
import { until } from "./pod-side.ts";

const POD = podId(1);

function setUp() {
  const transport = createFaultyTransport();
  const agent = createFakeAgent();
  transport.agents.set(POD, agent);
  const clock = createManualClock();
  return { transport, agent, clock, agents: createAgents({ transport, clock, firstEventMs: 10_000 }) };
}

async function failureOf(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    return toAgentError(error);
  }
  throw new Error("it did not fail");
}

describe("createAgents().client()", () => {
  it("offers no stream, of which it could read none", () => {
    expectTypeOf<keyof AgentClient["attempts"]>().toEqualTypeOf<
      "start" | "get" | "withdraw" | "cancel" | "release"
    >();
    expectTypeOf<keyof AgentClient["pod"]>().toEqualTypeOf<"describe" | "beat">();
  });

  it("keeps the clients of those pods that were called last, and no more", () => {
    const { transport, clock } = setUp();
    const agents = createAgents({ transport, clock, firstEventMs: 10_000, maxClients: 2 });
    const [first, second] = [agents.client(podId(1)), agents.client(podId(2))];
    expect(agents.client(podId(1))).toBe(first);
    agents.client(podId(3));
    expect(agents.client(podId(1))).toBe(first);
    expect(agents.client(podId(2))).not.toBe(second);
  });

  it("carries the agent's own error, code and hint, across the wire", async () => {
    const { agents, agent } = setUp();
    agent.highestEpoch = 9;
    const beat = { podId: POD, edgeId: "edge_00000000000000000000000001", epoch: 1, leaseMs: 1, cancel: [], known: [] };
    const error = await failureOf(
      agents.client(POD).pod.beat.mutate({ ...beat, edgeId: "edge_00000000000000000000000001" }),
    );
    expect(error).toMatchObject({ code: "stale_epoch", message: expect.stringContaining("newer edge") });
  });

  it("asks and orders in tRPC's protocol, with the caller's trace", async () => {
    const seen: { path: string; init: AgentRequest | undefined }[] = [];
    const transport = {
      fetch: (_: unknown, path: string, init?: AgentRequest) => {
        seen.push({ path, init });
        return Promise.resolve(Response.json({ result: { data: superjson.serialize({ at: new Date(0) }) } }));
      },
    };
    const agents = createAgents({ transport, clock: createManualClock(), firstEventMs: 1, requestId: () => "r1" });
    const attemptId = strangeAttemptId();
    const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true };
    expect(await agents.client(POD).attempts.get.query({ attemptId })).toEqual({ at: new Date(0) });
    await agents.client(POD).attempts.release.mutate({ attemptId }, { context: traceContext(trace) });
    const [get, release] = seen;
    const input = JSON.stringify({ json: { attemptId } });
    expect(get?.path).toBe(`/trpc/attempts.get?input=${encodeURIComponent(input)}`);
    expect(get?.init).toEqual({ method: "GET", headers: { "x-request-id": "r1" }, signal: null });
    expect(release).toMatchObject({ path: "/trpc/attempts.release", init: { method: "POST", body: input } });
    expect(release?.init?.headers).toMatchObject({
      "content-type": "application/json",
      traceparent: formatTraceparent(trace),
    });
  });

  it("sends nothing of what cannot be written, and blames no pod for it", async () => {
    const { agents, transport } = setUp();
    const endless: Record<string, unknown> = { attemptId: 1n };
    endless["prototype"] = endless;
    const error = await failureOf(agents.client(POD).attempts.get.query(endless as never));
    expect(error).toMatchObject({ code: "internal", details: { sent: false } });
    expect(transport.requests).toEqual([]);
  });

  it.each(["{}", "[]", "null", '{"result":null}', '{"error":{"json":{}}}', "{"])(
    "takes %s, which is no answer of a procedure, for a failed connection",
    async (body) => {
      const { agents, agent } = setUp();
      agent.fetch = () => Promise.resolve(new Response(body, { headers: { "content-type": "application/json" } }));
      expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ code: "agent_unreachable" });
    },
  );

  it("answers a lost line with agent_unreachable", async () => {
    const { agents, transport } = setUp();
    transport.faults.push({ path: /describe/, fault: "lose_answer", times: 1 });
    expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ code: "agent_unreachable" });
  });

  it("answers a refusal that comes before any procedure with its own code", async () => {
    const { agents, agent } = setUp();
    const refusal = new FleetError("unauthorized", "Cannot let you in: the secret is wrong").toEnvelope();
    agent.fetch = () => Promise.resolve(Response.json({ error: refusal }, { status: 401 }));
    expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ message: refusal.message });
  });

  it("answers an HTTP error that is not tRPC's by its status", async () => {
    const { agents, agent } = setUp();
    agent.fetch = () => Promise.resolve(new Response("nobody here", { status: 401 }));
    expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ code: "unauthorized" });
    agent.fetch = () => Promise.resolve(new Response("<html>", { status: 502 }));
    expect(await failureOf(agents.client(POD).pod.describe.query())).toMatchObject({ code: "agent_unreachable" });
  });
});

describe("createAgents().watchAttempt()", () => {
  const order = { attemptId: strangeAttemptId(), jobId: jobId(1), no: 1 };

  async function watching(setup: ReturnType<typeof setUp>, signal = new AbortController().signal) {
    setup.agent.attempts.set(order.attemptId, reportOf(order, "running"));
    const target = { podId: POD, attemptId: order.attemptId, previews: false };
    const events: AttemptEvent[] = [];
    const done = (async () => {
      for await (const event of setup.agents.watchAttempt(target, signal)) events.push(event);
    })();
    const failure = failureOf(done);
    failure.catch(() => {});
    await until(() => events.length > 0 && setup.agent.watchers() > 0);
    return { events, done, failure };
  }

  it("yields the snapshot and then every change", async () => {
    const setup = setUp();
    const abort = new AbortController();
    const { events, done } = await watching(setup, abort.signal);
    setup.agent.report(reportOf(order, "collecting"));
    await until(() => events.length === 2);
    expect(events.map((event) => event.type === "report" ? event.report.state : null)).toEqual([
      "running",
      "collecting",
    ]);
    abort.abort(new DOMException("enough", "AbortError"));
    await expect(done).rejects.toMatchObject({ name: "AbortError" });
    await until(() => setup.agent.watchers() === 0);
  });

  it("rejects at the first cut instead of opening the stream again for ever", async () => {
    const setup = setUp();
    const { failure } = await watching(setup);
    setup.transport.cutAll();
    expect(await failure).toMatchObject({ code: "agent_unreachable" });
    const asked = setup.transport.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(setup.transport.requests.length).toBe(asked);
  });

  it("rejects with the agent's reason when it does not know the attempt", async () => {
    const { agents } = setUp();
    const stream = agents.watchAttempt(
      { podId: POD, attemptId: strangeAttemptId(), previews: false },
      AbortSignal.timeout(5_000),
    );
    expect(await failureOf(Array.fromAsync(stream))).toMatchObject({ code: "not_found" });
  });

  it("rejects when the connection is refused, and when it is answered with an error", async () => {
    const { agents, agent, transport } = setUp();
    const target = { podId: POD, attemptId: order.attemptId, previews: false };
    transport.faults.push({ path: /watch/, fault: "refuse", times: 1 });
    const refused = agents.watchAttempt(target, AbortSignal.timeout(5_000));
    expect(await failureOf(Array.fromAsync(refused))).toMatchObject({
      code: "agent_unreachable",
      details: { sent: false },
    });
    agent.fetch = () => Promise.resolve(new Response(null, { status: 403 }));
    const forbidden = agents.watchAttempt(target, AbortSignal.timeout(5_000));
    expect(await failureOf(Array.fromAsync(forbidden))).toMatchObject({ code: "unauthorized" });
  });

  it("rejects when no first event comes in time", async () => {
    const { agents, clock, transport } = setUp();
    transport.faults.push({ path: /watch/, fault: "hang", times: 1 });
    const target = { podId: POD, attemptId: order.attemptId, previews: false };
    const failure = failureOf(Array.fromAsync(agents.watchAttempt(target, AbortSignal.timeout(5_000))));
    await until(() => transport.requests.length === 1);
    await clock.advance(10_000);
    expect(await failure).toMatchObject({ code: "timeout" });
  });

  it("rejects a stream that falls silent, but not one whose agent keeps it alive", async () => {
    const setup = setUp();
    const { fetch } = setup.agent;
    let ping = () => {};
    setup.agent.fetch = async (request) => {
      const response = await fetch(request);
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const pass = new WritableStream<Uint8Array>({ write: (chunk) => writer.write(chunk) });
      response.body?.pipeTo(pass).catch(() => {});
      ping = () => void writer.write(new TextEncoder().encode("event: ping\ndata: \n\n"));
      return new Response(readable, response);
    };
    const { failure } = await watching(setup);
    let failed = false;
    void failure.then(() => (failed = true));
    for (let round = 0; round < 6; round += 1) {
      await setup.clock.advance(15_000);
      ping();
      await settle();
    }
    await setup.clock.advance(34_000);
    expect(failed).toBe(false);
    await setup.clock.advance(2_000);
    expect(await failure).toMatchObject({ code: "timeout", message: expect.stringContaining("silent") });
  });

  it("rejects an event that breaks the contract", async () => {
    const setup = setUp();
    const { failure } = await watching(setup);
    setup.agent.report({ ...reportOf(order, "running"), rev: -1 });
    expect(await failure).toMatchObject({ code: "agent_incompatible" });
  });

  it("closes the connection when its reader leaves", async () => {
    const setup = setUp();
    setup.agent.attempts.set(order.attemptId, reportOf(order, "running"));
    const target = { podId: POD, attemptId: order.attemptId, previews: false };
    for await (const event of setup.agents.watchAttempt(target, AbortSignal.timeout(5_000))) {
      expect(event.type).toBe("report");
      break;
    }
    await until(() => setup.agent.watchers() === 0);
  });
});
