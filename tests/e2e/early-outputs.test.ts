/** Outputs that come one by one, through real processes, with the edge on Deno and on Node. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job, JobEvent, JobHandle } from "../../client/mod.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { firstThenSlow, quick } from "../support/fleet/workflows.ts";

/** The first report of a running job that has an output. */
async function withOutput(job: JobHandle): Promise<Job> {
  return await until("an output of a running job", async () => {
    const seen = await job.get();
    if (seen.state !== "queued" && seen.state !== "running") throw new Error(`it is ${seen.state} already`);
    return seen.outputs.length > 0 ? seen : null;
  });
}

describe.each(EDGE_RUNTIMES)("outputs through an edge on %s", (runtime) => {
  let fleet: TestFleet;

  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
  });
  afterAll(async () => await fleet[Symbol.asyncDispose]());

  async function bytesOf(assetId: Job["outputs"][number]["assetId"]): Promise<Buffer> {
    return Buffer.concat(await Array.fromAsync(await fleet.client.assets.download(assetId)));
  }

  it("one shows, and can be downloaded, while the job runs; the end has both", async () => {
    const job = fleet.client.run(firstThenSlow(150));
    const seen = await withOutput(job);
    expect(seen).toMatchObject({ state: "running", outputs: [{ nodeId: "7", name: "first_00001_.png" }] });
    const [early] = seen.outputs;
    if (early === undefined) throw new Error("no output");
    const bytes = await bytesOf(early.assetId);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(early.sha256);
    expect((await job.get()).state).toBe("running");
    const { job: done } = await job;
    expect(done.outputs.map(({ nodeId }) => nodeId)).toEqual(["5", "7"]);
    expect(done.outputs[1]).toEqual(early);
  });

  it("a loop over the job's events gets it before the end, and a watcher that joins later too", async () => {
    const job = fleet.client.run(firstThenSlow(150));
    const told: string[] = [];
    const joined: JobEvent[] = [];
    let late: Promise<void> | null = null;
    for await (const event of job) {
      if (event.type === "output" && event.output.nodeId === "7") {
        told.push(event.output.name);
        late ??= (async () => {
          for await (const one of job.watch()) joined.push(one);
        })();
      }
      if (event.type === "status") told.push(event.state);
    }
    await late;
    expect(told.slice(told.indexOf("running"))).toEqual(["running", "first_00001_.png", "succeeded"]);
    expect(joined.some((event) => event.type === "output" && event.output.nodeId === "7")).toBe(true);
  });

  it("a short job's are told by its end alone", async () => {
    const types: string[] = [];
    for await (const event of fleet.client.run(quick())) types.push(event.type);
    expect(types).not.toContain("output");
  });

  it("a canceled job keeps the one that was home", async () => {
    const job = fleet.client.run(firstThenSlow(400));
    const { outputs } = await withOutput(job);
    await job.cancel();
    const done = await until("the job to be canceled", async () => {
      const seen = await job.get();
      return seen.state === "canceled" ? seen : null;
    });
    expect(done.outputs).toEqual(outputs);
    expect((await bytesOf(outputs[0]?.assetId ?? "asset_00000000000000000000000001")).length).toBeGreaterThan(0);
  });

  it("an agent and an edge that are killed in between lose nothing of it", async () => {
    const job = fleet.client.run(firstThenSlow(500));
    const { outputs } = await withOutput(job);
    await fleet.agent.kill();
    fleet.agent.start();
    await fleet.edge.kill();
    fleet.edge.start();
    const again = await until("the edge to answer", () => job.get().catch(() => null));
    expect(again).toMatchObject({ state: "running", attempt: 1, outputs });
    const { job: done } = await job;
    expect(done.outputs.map(({ name }) => name)).toEqual(["slow_00001_.png", "first_00001_.png"]);
    expect(done).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("a lost attempt takes it away, and the next has both", async () => {
    const job = fleet.client.run(firstThenSlow(200));
    await withOutput(job);
    process.kill(fleet.comfyPid(), "SIGKILL");
    const requeued = await until("the loss", async () => {
      const seen = await job.get();
      return seen.losses === 1 && seen.state === "queued" ? seen : seen.attempt === 2 ? seen : null;
    });
    if (requeued.state === "queued") expect(requeued.outputs).toEqual([]);
    const { job: done } = await job;
    expect(done).toMatchObject({ attempt: 2, losses: 1 });
    expect(done.outputs.map(({ nodeId }) => nodeId)).toEqual(["5", "7"]);
  });
});
