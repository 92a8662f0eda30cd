/** One trace, from the caller through edge and agent to ComfyUI: in logs, prompt, receipt and spans. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseTraceparent } from "../../contracts/telemetry/trace-context.ts";
import { reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { startCollector } from "../support/telemetry/collector.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const TRACEPARENT = `00-${TRACE}-${CALLER}-01`;

const LogLine = z.looseObject({ msg: z.string() });

function linesOf(log: string, msg: string) {
  const whole = log.split("\n").slice(0, -1).filter((line) => line.startsWith("{"));
  return whole.map((line) => LogLine.parse(JSON.parse(line))).filter((line) => line.msg === msg);
}

/** `[number, prompt_id, graph, extra_data, outputs]` */
const Queue = z.object({
  queue_running: z.array(z.tuple([z.unknown(), z.string(), z.unknown(), z.looseObject({})]).rest(z.unknown())),
});

async function runningExtraData({ comfyUrl }: TestFleet): Promise<Record<string, unknown>> {
  return await until("ComfyUI to run the prompt", async () => {
    const response = await fetch(`${comfyUrl}/queue`, { signal: AbortSignal.timeout(5_000) });
    return Queue.parse(await response.json()).queue_running[0]?.[3] ?? null;
  });
}

describe.each(EDGE_RUNTIMES)("a trace through an edge on %s", (runtime) => {
  it("is the caller's in every process's log, in the prompt, the receipt and every span", async () => {
    await using collector = await startCollector();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: "x-test=yes" };
    await using fleet = await startTestFleet({ runtime, env, standInArgs: ["--step-ms", "20"] });
    const job = fleet.client.run(slow(60), {}, { traceparent: TRACEPARENT });
    const { traceparent } = await runningExtraData(fleet);
    const prompt = parseTraceparent(String(traceparent));
    expect(prompt).toMatchObject({ traceId: TRACE, sampled: true });
    const result = await job.result();
    expect(result.job.receipt?.traceId).toBe(TRACE);
    const { podId, tenantId, id } = result.job;

    const edgeLine = await until("the edge's line", () => linesOf(fleet.edge.log(), "attempt ended")[0] ?? null);
    const agentLine = await until("the agent's line", () => linesOf(fleet.agent.log(), "attempt finished")[0] ?? null);
    expect(edgeLine).toMatchObject({ trace_id: TRACE, job: id, tenant: tenantId, pod: podId });
    expect(agentLine).toMatchObject({ trace_id: TRACE, job: id, attempt: edgeLine["attempt"], pod: podId });
    const submits = linesOf(fleet.edge.log(), "request").filter((line) => line["path"] === "/trpc/jobs.submit");
    expect(submits.map((line) => line["trace_id"])).toEqual([TRACE]);

    const wanted = [
      "attempt",
      "attempt.collect",
      "attempt.execute",
      "attempt.stage",
      "attempt.start",
      "job",
      "jobs.submit",
    ];
    const spans = await until("all spans of the trace", () => {
      const received = collector.spans(TRACE);
      return received.length >= wanted.length ? received : null;
    });
    expect(spans.map(({ name }) => name).toSorted()).toEqual(wanted);
    const byName = new Map(spans.map((span) => [span.name, span]));
    const parentOf = (name: string) => byName.get(name)?.parentSpanId;
    const idOf = (name: string) => byName.get(name)?.spanId;
    expect(parentOf("jobs.submit")).toBe(CALLER);
    expect(parentOf("job")).toBe(idOf("jobs.submit"));
    expect(parentOf("attempt.start")).toBe(idOf("jobs.submit"));
    expect(parentOf("attempt")).toBe(idOf("attempt.start"));
    for (const part of ["attempt.stage", "attempt.execute", "attempt.collect"]) {
      expect(parentOf(part)).toBe(idOf("attempt"));
    }
    expect(prompt?.spanId).toBe(idOf("attempt"));
    expect(byName.get("attempt")?.service).toBe("comfyfleet-agent");
    expect(byName.get("job")?.service).toBe("comfyfleet-edge");
    expect(spans.every(({ status }) => status.code === undefined)).toBe(true);
    expect(collector.lastHeaders()).toMatchObject({ "x-test": "yes" });
  });

  it("outlives edge and agent: what comes after a kill belongs to the same one", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
    const job = fleet.client.run(slow(90), {}, { traceparent: TRACEPARENT });
    await reached(job.watch(), 0.1);
    await Promise.all([fleet.edge.kill(), fleet.agent.kill()]);
    fleet.agent.start();
    fleet.edge.start();
    const result = await job.result();
    expect(result.job).toMatchObject({ state: "succeeded", attempt: 1, receipt: { traceId: TRACE } });
    const finished = await until("the agent's line", () => linesOf(fleet.agent.log(), "attempt finished")[0] ?? null);
    expect(finished["trace_id"]).toBe(TRACE);
    const ended = await until("the edge's line", () => linesOf(fleet.edge.log(), "attempt ended")[0] ?? null);
    expect(ended["trace_id"]).toBe(TRACE);
  });

  it("starts with the client where its caller names none, another for every run", async () => {
    await using fleet = await startTestFleet({ runtime });
    const runs = [await fleet.client.run(quick()), await fleet.client.run(quick())];
    const ids = runs.map(({ job }) => job.receipt?.traceId);
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(new Set(ids).size).toBe(2);
  });

  it("costs nothing where the collector hangs: jobs run, and a stop takes no longer", async () => {
    await using collector = await startCollector({ answers: false });
    await using fleet = await startTestFleet({ runtime, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    for (let n = 0; n < 3; n += 1) expect((await fleet.client.run(quick())).job.state).toBe("succeeded");
    await until("spans on their way", () => collector.lastHeaders());
    const { code, tookMs } = await fleet.edge.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(2_500);
  });
});
