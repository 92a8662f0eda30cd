/** From a key to a finished job: a pod joins, is called, runs whole jobs, and leaves; with an edge of either runtime. */
import { createHash, randomFillSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { file } from "../../client/mod.ts";
import type { Pod } from "../../contracts/pod.ts";
import { collect, progressOf, states } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { wholeLifecycle } from "../support/fleet/lifecycle.ts";
import { watchPeakMemory } from "../support/fleet/peak-memory.ts";
import { invert, slow } from "../support/fleet/workflows.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { noisePng } from "../support/noise-png.ts";
import { startPod, type TailnetPod } from "../support/tailnet/pod.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

/** Of a picture that no compression makes smaller: its PNG has somewhat more than 300 MB. */
const PICTURE_SIDE = 10_010;
const FILE_BYTES = 300e6;
/**
 * What an edge may grow by while such a file goes in and another one out. It is what its runtime has not yet cleared away,
 * 60 to 130 MB whatever the size of the file; with a file held as a whole it is more than the file.
 */
const MAX_GROWTH_BYTES = 220e6;

describe.each(EDGE_RUNTIMES)("a pod on the tailnet, with the edge on %s", (runtime) => {
  let tailnet: TestTailnet;
  let edge: TailnetEdge;
  let pod: TailnetPod;
  let ready: Pod;

  beforeAll(async () => {
    tailnet = await startTailnet();
    edge = await startEdge(tailnet, { runtime });
    await edge.edge.waitReady();
    const startedMs = performance.now();
    pod = await startPod(tailnet, { name: "gpu-1", standInArgs: ["--step-ms", "5"] });
    ready = await edge.podIn("ready", "gpu-1");
    console.log(`${runtime}: agent started → pod ready in ${Math.round(performance.now() - startedMs)} ms`);
  });
  afterAll(async () => {
    await pod?.[Symbol.asyncDispose]();
    await edge?.[Symbol.asyncDispose]();
    await tailnet?.[Symbol.asyncDispose]();
  });

  it("is known by its StableID, and reachable directly", async () => {
    const [device] = (await tailnet.headscale.nodes()).filter(({ tags }) => tags.includes("tag:pod"));
    expect(device?.name).toBe("gpu-1");
    const direct = await until("the path to be known", async () => {
      const { conditions } = await edge.client.trpc.pods.get.query({ podId: ready.id });
      return conditions.find(({ type, status }) => type === "PathDirect" && status !== "unknown") ?? null;
    });
    expect(direct.status).toBe("true");
  });

  it("is called with the agent's typed contract, through the edge", async () => {
    const described = await edge.client.pod(ready.id).pod.describe.query();
    expect(described.podId).toBe(ready.id);
    await expect(edge.client.pod(ready.id).comfy.status.query()).resolves.toMatchObject({ state: "ready" });
  });

  it("runs a whole job, whose progress streams while it runs", async () => {
    const job = edge.client.run(slow(300));
    const arrivedMs: number[] = [];
    const events = await collect(
      (async function* () {
        for await (const event of job) {
          if (event.type === "progress") arrivedMs.push(performance.now());
          yield event;
        }
      })(),
    );
    // It takes a second and a half: as it runs, and not all at once at its end.
    expect(performance.now() - (arrivedMs[0] ?? Infinity)).toBeGreaterThan(1_000);
    // The stream begins with the job as it is, which may run by then.
    expect(states(events)).toContain("running");
    expect(states(events)).toEqual(["queued", "running", "succeeded"].slice(-states(events).length));
    const progress = progressOf(events, 1).map(({ value }) => value);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const { job: { id }, outputs: [output] } = await job;
    expect(await wholeLifecycle(edge.client, id)).toEqual(["queued", "running", "succeeded"]);
    const bytes = await output?.bytes() ?? new Uint8Array();
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(output?.sha256);
  });

  it("takes an input of 300 MB and gives an output of 300 MB, and holds neither", async () => {
    const picture = noisePng(PICTURE_SIDE, (bytes) => randomFillSync(bytes));
    expect(picture.length).toBeGreaterThan(FILE_BYTES);
    const startedMs = performance.now();
    const memory = watchPeakMemory(edge.process.pid);
    const job = edge.client.run(invert(), { "Picture.image": file(picture, "noise.png") });
    const { outputs: [output] } = await job;
    console.log(`${runtime}: 300 MB there and back in ${Math.round(performance.now() - startedMs)} ms`);
    expect(output?.sizeBytes).toBeGreaterThan(FILE_BYTES);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of await output?.stream() ?? []) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
    }
    expect({ sizeBytes, sha256: hash.digest("hex") }).toEqual({ sizeBytes: output?.sizeBytes, sha256: output?.sha256 });
    const grownBytes = memory.grownBytes();
    console.log(`${runtime}: the edge's memory grew by ${Math.round(grownBytes / 1e6)} MB meanwhile`);
    expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES);
  }, 180_000);
});
