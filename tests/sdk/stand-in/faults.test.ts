/** What the official SDK sees when streams are cut, a pod dies, the edge dies, or the stand-in fails: the job's own end. */
import { JobFailed } from "@comfyorg/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../../support/fleet/fleet.ts";
import { connectSdk } from "../../support/sdk/connect.ts";
import { eventsOf, isRunning, progressOf, reached, statusesOf } from "../../support/sdk/events.ts";
import { lasting, picture } from "../../support/sdk/graphs.ts";
import { startRelay } from "../../support/sdk/relay.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

const LOST_SOON = { POD_BEAT_MS: "200", POD_UNREACHABLE_MS: "1500", POD_LOST_MS: "3000" };

describe.each(EDGE_RUNTIMES)("the official SDK while things break, with the edge on %s", (runtime) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ runtime, env: LOST_SOON });
  });
  afterAll(async () => await stage?.[Symbol.asyncDispose]());

  const submit = (seconds: number) => {
    const sdk = stage.sdk();
    return sdk.submit(sdk.workflows.fromJson(lasting(seconds)));
  };

  it("streams that are cut again and again are taken up by the SDK itself, and end with the job", async () => {
    await using relay = await startRelay(stage.target.baseUrl);
    const sdk = connectSdk({ ...stage.target, baseUrl: relay.baseUrl });
    // Before it opens another stream the SDK polls once, and the edge may hold that poll for five seconds.
    const job = await sdk.submit(sdk.workflows.fromJson(lasting(14)));
    let cuts = 0;
    const events = await eventsOf(job, (event) => {
      if (cuts === 2 || !isRunning(event)) return;
      cuts += 1;
      expect(relay.cut()).toBeGreaterThan(0);
    });
    expect(cuts).toBe(2);
    expect(statusesOf(events).at(-1)).toBe("succeeded");
    const values = progressOf(events).map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect((await job.refresh()).outputs).toHaveLength(1);
  });

  it("a pod that dies under a job: the SDK sees the job succeed, on the other pod", async () => {
    const job = await submit(4);
    const events = eventsOf(job);
    await reached(job, isRunning);
    const result = job.result();
    const pod = await stage.busyPod();
    await pod.kill();
    const done = await result;
    expect(done.status).toBe("succeeded");
    expect((await done.outputs[0]?.toBytes())?.byteLength).toBe(done.outputs[0]?.sizeBytes);
    // The stream may have begun after the first "queued".
    expect(statusesOf(await events).slice(-4)).toEqual(["running", "queued", "running", "succeeded"]);
    const { items: [ours] } = await stage.fleet.client.trpc.jobs.list.query({});
    expect(ours).toMatchObject({ state: "succeeded", losses: 1, attempt: 2 });
    expect(ours?.receipt?.pod?.name).not.toBe(pod.name);
    pod.start();
    await stage.fleet.waitReady();
  });

  it("an edge that dies: the job is taken up by its id, and its stream by the SDK", async () => {
    const job = await submit(4);
    await reached(job, isRunning);
    await stage.fleet.edge.kill();
    stage.fleet.edge.start();
    await stage.fleet.waitReady();
    const again = await stage.sdk().jobs.get(job.id);
    expect(statusesOf(await eventsOf(again)).at(-1)).toBe("succeeded");
    expect((await again.result()).outputs).toHaveLength(1);
  });

  it("a node that runs out of memory fails the job, and the next job succeeds", async () => {
    const sdk = stage.sdk();
    for (const { standIn } of stage.fleet.pods) await standIn.arm("oom", "node:3");
    const error: unknown = await sdk.run(sdk.workflows.fromJson(lasting(0.2))).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JobFailed);
    expect(error).toMatchObject({ error: { node_id: "3", class_type: "ColorTransfer" } });
    for (const { standIn } of stage.fleet.pods) await standIn.clear();
    expect((await sdk.run(sdk.workflows.fromJson(picture()))).status).toBe("succeeded");
  });

  it("previews come as pictures, the newest at once to who joins later", async () => {
    const job = await submit(4);
    const preview = async () => {
      for await (const event of job.events()) if (event.kind === "preview") return event;
      throw new Error("the stream ended without a preview");
    };
    for (const came of [await preview(), await preview()]) {
      expect(came).toMatchObject({ nodeId: "3", contentType: "image/jpeg" });
      expect(Buffer.from(came.data.subarray(0, 3)).toString("hex")).toBe("ffd8ff");
    }
    await job.cancel();
    await job.wait();
  });
});
