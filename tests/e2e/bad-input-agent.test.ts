// Thousands of requests, with the secret, to every procedure and route of an agent.
import fc from "fast-check";
import { typeid } from "typeid-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentRouter } from "../../contracts/agent/router.ts";
import { EdgeId } from "../../contracts/ids.ts";
import { AgentProcess, SECRET } from "../contract/agent/agent-process.ts";
import { finalReport, imageGraph, newAttemptId, order, POD_ID, sha256Of } from "../contract/agent/orders.ts";
import { fuzz } from "../support/bad-input/fuzz.ts";
import { requestsTo } from "../support/bad-input/requests.ts";
import { junk, type Pools } from "../support/bad-input/schema-values.ts";

const REQUESTS = 2_400;
const MIB = 1024 * 1024;
/** The highest there is, so that no request can take the pod from the test. */
const EPOCH = Number.MAX_SAFE_INTEGER;

const segment = fc.string({ maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed()));

describe("bad input to the agent", () => {
  let agent: AgentProcess;
  const edgeId = EdgeId.parse(typeid("edge").toString());
  const beat = { podId: POD_ID, edgeId, epoch: EPOCH, leaseMs: 600_000, cancel: [], known: [] };
  beforeAll(async () => {
    agent = await (await new AgentProcess({ AGENT_NVIDIA_SMI: "no-such-nvidia-smi" }).start()).ready();
  });
  afterAll(async () => await agent?.[Symbol.asyncDispose]());

  it(`${REQUESTS} requests: no internal error, no hang, no crash, every refusal typed, nothing leaked`, async () => {
    await agent.client.pod.beat.mutate(beat);
    const done = order(imageGraph(), { epoch: EPOCH });
    await agent.client.attempts.start.mutate(done);
    await finalReport(agent, done.attemptId);
    const { capability } = await agent.client.pod.describe.query();
    const attempts = fc.constantFrom(done.attemptId, newAttemptId());
    const pools: Pools = {
      podId: fc.constantFrom(POD_ID, "pod_00000000000000000000000000"),
      epoch: fc.constantFrom(EPOCH, EPOCH, EPOCH, 1),
      attemptId: fc.oneof(attempts, fc.constant(null).map(newAttemptId)),
      after: fc.oneof(fc.constant(null), attempts),
      no: fc.constantFrom(1, 2, 2 ** 31),
      runWithinMs: fc.constantFrom(1_000, 60_000, Number.MAX_SAFE_INTEGER),
      workflow: fc.oneof(fc.constant(null).map(() => imageGraph()), fc.dictionary(fc.string(), junk, { maxKeys: 3 })),
      cancel: fc.array(fc.constant(null).map(newAttemptId), { maxLength: 3 }),
    };
    const sha256 = fc.oneof(
      fc.constantFrom(sha256Of(new Uint8Array(0)), "0".repeat(64), capability.objectInfoSha256 ?? ""),
      segment,
    );
    const index = fc.oneof(fc.constantFrom("0", "1", "-1", "999999", "0x0", "1e9", "00"), segment);
    const routes = [
      { methods: ["PUT"], path: sha256.map((sha256) => `/inputs/${sha256}`) },
      { methods: ["GET"], path: sha256.map((sha256) => `/object-info/${sha256}`) },
      {
        methods: ["GET", "HEAD"],
        path: fc.tuple(fc.oneof(attempts, segment), index).map(([id, at]) => `/attempts/${id}/outputs/${at}`),
      },
      { methods: ["GET", "POST"], path: fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`) },
    ];
    const { pid } = agent;
    const report = await fuzz({
      ...{ baseUrl: agent.url, pid, count: REQUESTS, deadlineMs: 10_000, withinMs: 90_000 },
      requests: requestsTo({ router: agentRouter, routes, pools, authorizations: [`Bearer ${SECRET}`, "Bearer x"] }),
      secretFolder: agent.stateDir,
    });
    console.log(`agent: ${JSON.stringify({ ...report, problems: report.problems.length })}`);
    expect(report.problems.slice(0, 10)).toEqual([]);
    expect(report.sent).toBe(REQUESTS);
    expect(report.statuses[200]).toBeGreaterThan(100);
    expect(report.statuses[400]).toBeGreaterThan(100);
    expect(report.handlesMore).toBeLessThanOrEqual(8);
    expect(report.residentMoreBytes).toBeLessThan(250 * MIB);
    expect(agent.pid).toBe(pid);
    await agent.ready();
    await agent.client.pod.beat.mutate(beat);
    expect(agent.log).not.toMatch(/"(?:procedure|request) failed"/);
  }, 150_000);
});
