/** A poll of an unfinished job is held: thousands at once cost the edge memory that is bounded, and nobody's time. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { percentile } from "../../bench/statistics.ts";
import { connectionsTo } from "../../support/fleet/connections.ts";
import { EDGE_RUNTIMES, until } from "../../support/fleet/fleet.ts";
import { watchPeakMemory } from "../../support/fleet/peak-memory.ts";
import { isRunning, reached, type SdkJob } from "../../support/sdk/events.ts";
import { lasting, picture } from "../../support/sdk/graphs.ts";
import { askV2 } from "../../support/sdk/raw.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

const HELD = 2_000;
const JOBS = 20;
const MAX_GROWTH_BYTES = 150e6;

interface Poll {
  answered: Promise<{ status: number; state: string }>;
  hasAnswered: () => boolean;
}

describe.each(EDGE_RUNTIMES)("held polls of an edge on %s", (runtime) => {
  let stage: Stage;
  const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
  beforeAll(async () => {
    stage = await startStage({ runtime, env: { V2_REQUESTS_PER_SECOND: "100000" } });
  });
  afterAll(async () => {
    agent.destroy();
    await stage?.[Symbol.asyncDispose]();
  });

  function poll(jobId: string, waitSeconds: number): Poll {
    let done = false;
    const answered = new Promise<{ status: number; state: string }>((resolve, reject) => {
      const headers = { authorization: `Bearer ${stage.target.apiKey}`, prefer: `wait=${waitSeconds}` };
      const sent = request(`${stage.target.baseUrl}/api/v2/jobs/${jobId}`, { agent, headers }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        response.on("end", () => {
          done = true;
          resolve({ status: response.statusCode ?? 0, state: (JSON.parse(body) as { status: string }).status });
        });
      });
      sent.on("error", reject);
      sent.end();
    });
    return { answered, hasAnswered: () => done };
  }

  async function occupyPods(): Promise<SdkJob[]> {
    const sdk = stage.sdk();
    const busy = await Promise.all([1, 2].map(() => sdk.submit(sdk.workflows.fromJson(lasting(60)))));
    await Promise.all(busy.map((job) => reached(job, isRunning)));
    return busy;
  }

  it(`${HELD} at once: the edge answers others at once, in bounded memory, and all of them when the jobs end`, async () => {
    const sdk = stage.sdk();
    const busy = await occupyPods();
    const jobs = await Promise.all(
      Array.from({ length: JOBS }, () => sdk.submit(sdk.workflows.fromJson(picture()))),
    );
    const memory = watchPeakMemory(stage.fleet.edge.pid);
    const polls = Array.from({ length: HELD }, (_, at) => poll(jobs[at % JOBS]?.id ?? "", 25));
    const other = jobs[0];
    if (!other) throw new Error("there is no job");
    const port = Number(new URL(stage.target.baseUrl).port);
    await until("the polls to arrive", () => connectionsTo(port).size >= HELD || null);
    // The last ones are connected, and read within this.
    await sleep(500);
    const tookMs: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const startedMs = performance.now();
      expect((await askV2(stage.target, `/jobs/${other.id}`, { headers: { prefer: "wait=0" } })).status).toBe(200);
      tookMs.push(performance.now() - startedMs);
    }
    expect(percentile(tookMs, 0.95)).toBeLessThan(250);
    expect(polls.filter(({ hasAnswered }) => hasAnswered()).length).toBe(0);
    const grownBytes = memory.grownBytes();
    console.log(
      `${runtime}: the edge's memory grew by ${Math.round(grownBytes / 1e6)} MB, p95 ${
        Math.round(percentile(tookMs, 0.95))
      } ms`,
    );
    expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES);

    await Promise.all(jobs.map((job) => job.cancel()));
    const answers = await Promise.all(polls.map(({ answered }) => answered));
    expect(new Set(answers.map(({ status, state }) => `${status} ${state}`))).toEqual(new Set(["200 canceled"]));
    await Promise.all(busy.map((job) => job.cancel()));
    await Promise.all(busy.map((job) => job.wait()));
  });

  it("Prefer says how long, and a poll that is held in vain brings a fresh snapshot", async () => {
    const busy = await occupyPods();
    const id = busy[0]?.id ?? "";
    const timed = async (prefer: string | null) => {
      const startedMs = performance.now();
      const answer = await askV2(stage.target, `/jobs/${id}`, { headers: prefer === null ? {} : { prefer } });
      const job = JSON.parse(answer.text) as { status: string; progress: { value: number } | null };
      return { ms: performance.now() - startedMs, applied: answer.headers.get("preference-applied"), job };
    };
    const now = await timed("wait=0");
    expect(now.ms).toBeLessThan(1_000);
    expect(now.applied).toBe("wait=0");
    const second = await timed("wait=1");
    expect(second).toMatchObject({ applied: "wait=1", job: { status: "running" } });
    expect(second.ms).toBeGreaterThan(900);
    expect(second.ms).toBeLessThan(3_000);
    expect(second.job.progress?.value ?? 0).toBeGreaterThan(now.job.progress?.value ?? 0);
    const unasked = await timed(null);
    expect(unasked.ms).toBeGreaterThan(4_500);
    expect(unasked.ms).toBeLessThan(7_000);
    await Promise.all(busy.map((job) => job.cancel()));
    await Promise.all(busy.map((job) => job.wait()));
  });
});
