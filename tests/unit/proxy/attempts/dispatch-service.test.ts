import { describe, expect, it } from "vitest";
import { serviceUse, withSeed } from "../../../../contracts/services/compile.ts";
import { graphSha256 } from "../../../../proxy/attempts/graph-hash.ts";
import { graphOf } from "../../../../proxy/jobs/judge-spec.ts";
import { fastwanSpec, serviceClasses } from "../../../support/service-classes.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { sampleAsset } from "../store/samples.ts";
import { output, succeeded } from "./attempt-steps.ts";

async function startWith(side: PodSide, classes: Record<string, unknown>): Promise<void> {
  const sha256 = await side.describeClasses(classes);
  await side.start();
  await until(() => side.live().objectInfoSha256 === sha256);
}

function asked(input: Record<string, unknown> = {}) {
  const spec = withSeed(fastwanSpec(input), () => 41);
  return { spec, service: serviceUse(spec) };
}

describe("dispatch() of a service", () => {
  it("sends the graph of its input with the seed of the job, and records the graph's digest", async () => {
    await using side = await setUpPodSide();
    await startWith(side, serviceClasses(true));
    const job = asked({ steps: 4 });
    const { id } = await side.submit(job);
    await side.dispatch(id);
    const order = side.lastStart();
    expect(order.workflow).toEqual(graphOf(job.spec));
    expect(order.workflow["3"]?.inputs).toMatchObject({ seed: 41, steps: 4 });
    expect((await side.attempt(order.attemptId))?.graphSha256).toBe(graphSha256(graphOf(job.spec), new Map()));
    side.agent.report(succeeded(order, [output(side, order, { text: "clip", name: "fastwan_00001_.mp4" })]));
    await until(async () => (await side.job(id)).state === "succeeded");
    const { receipt } = await side.job(id);
    expect(receipt).toMatchObject({ service: { id: "fastwan2.2-5b", version: 1, seed: 41 } });
  });

  it("carries the image of an i2v input as an input of the attempt", async () => {
    await using side = await setUpPodSide();
    await startWith(side, serviceClasses(true));
    const bytes = new TextEncoder().encode("png");
    const asset = sampleAsset(side.tenantId, { sizeBytes: bytes.byteLength });
    await side.store.createAsset(asset);
    side.blobs.blobs.set(`${side.tenantId} ${asset.sha256}`, bytes);
    const { id } = await side.submit(asked({ image: { __type: "core/ASSET", info: { id: asset.id } } }));
    await side.dispatch(id);
    expect(side.lastStart().inputs).toMatchObject([{ assetId: asset.id }]);
    expect(side.lastStart().workflow["56"]?.class_type).toBe("LoadImage");
  });

  it("leaves the job queued when every pod refuses the graph, and fails nothing", async () => {
    await using side = await setUpPodSide();
    const strict = {
      ...serviceClasses(true),
      VAEDecode: { input: { required: { tiles: ["INT"] } }, output: ["IMAGE"] },
    };
    await startWith(side, strict);
    const { id, ver } = await side.submit(asked());
    expect(await side.dispatch(id)).toBe("refused");
    expect(await side.job(id)).toMatchObject({ state: "queued", ver, attempt: 0, error: null });
  });
});
