import { describe, expect, it } from "vitest";
import type { JobSpec } from "../../../../contracts/job.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { newAssetId } from "../store/samples.ts";

/** A custom node that reads a file of the pod's input folder. */
const READ_CLIP = { ReadClip: { input: { required: { clip: [[], { video_upload: true }] } }, output_node: true } };

function readsClip(clip: unknown): { spec: JobSpec } {
  return {
    spec: { kind: "workflow", workflow: parseWorkflow({ "1": { class_type: "ReadClip", inputs: { clip } } }) },
  };
}

async function startWith(side: PodSide, classes: Record<string, unknown>): Promise<void> {
  const sha256 = await side.describeClasses(classes);
  await side.start();
  await until(() => side.live().objectInfoSha256 === sha256);
}

function starts(side: PodSide): number {
  return side.transport.requests.filter((name) => name.includes("attempts.start")).length;
}

describe("dispatch() to a pod whose body was unknown at submit", () => {
  it("fails a graph that names a file of the pod, and sends nothing", async () => {
    await using side = await setUpPodSide();
    await startWith(side, READ_CLIP);
    const { id } = await side.submit(readsClip("of-another-tenant.mp4"));
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({
      state: "failed",
      attempt: 1,
      losses: 0,
      error: {
        code: "invalid_workflow",
        message: expect.stringContaining("node '1' (ReadClip), input 'clip'"),
        hint: expect.stringContaining("=@FILE"),
        nodeErrors: { "1": [{ field: "clip", reason: expect.stringContaining("of-another-tenant.mp4") }] },
      },
    });
    expect(starts(side)).toBe(0);
    expect(side.live().freeSlots).toBe(1);
  });

  it("fails a graph whose values it refuses, and one that lacks an input it asks for", async () => {
    await using side = await setUpPodSide();
    const inputs = { required: { width: ["INT", { min: 16 }], depth: ["INT"] } };
    await startWith(side, { EmptyImage: { input: inputs, output: ["IMAGE"], output_node: true } });
    const { id } = await side.submit();
    await side.dispatch(id);
    const { state, error } = await side.job(id);
    expect(state).toBe("failed");
    expect(error?.nodeErrors?.["1"]?.map(({ field }) => field)).toEqual(["width", "depth"]);
    expect(starts(side)).toBe(0);
  });

  it("looks at assets first: what is not there is not a fault of the graph", async () => {
    await using side = await setUpPodSide();
    await startWith(side, READ_CLIP);
    const { id } = await side.submit(readsClip({ __type: "core/ASSET", info: { id: newAssetId() } }));
    await side.dispatch(id);
    expect((await side.job(id)).error?.code).toBe("missing_asset");
  });

  it("starts what it accepts, without reading the body again", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const first = await side.submit();
    await side.dispatch(first.id);
    side.store.getObjectInfo = () => Promise.reject(new Error("read again"));
    const second = await side.submit();
    await side.dispatch(second.id);
    expect([(await side.job(first.id)).state, (await side.job(second.id)).state]).toEqual(["running", "running"]);
    expect(side.agent.starts.map(({ jobId }) => jobId)).toEqual([first.id, second.id]);
  });
});

describe("dispatch() to a pod whose body cannot be read", () => {
  it.each([
    ["is not in the store", "0".repeat(64)],
    ["is not known", null],
  ])("leaves the job queued without an attempt or a loss when the body %s", async (_, objectInfoSha256) => {
    await using side = await setUpPodSide();
    await side.start();
    const { id, ver } = await side.submit();
    await side.dispatch(id, { ...side.live(), objectInfoSha256 });
    expect(await side.job(id)).toMatchObject({ state: "queued", ver, attempt: 0, losses: 0 });
    expect(starts(side)).toBe(0);
    expect(side.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(side.live().freeSlots).toBe(1);
    await side.dispatch(id);
    expect((await side.job(id)).state).toBe("running");
  });

  it("leaves the job queued when the store fails", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { getObjectInfo } = side.store;
    side.store.getObjectInfo = () => Promise.reject(new Error("disk is gone"));
    const { id, ver } = await side.submit();
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({ state: "queued", ver, attempt: 0, losses: 0 });
    side.store.getObjectInfo = getObjectInfo;
    await side.dispatch(id);
    expect((await side.job(id)).state).toBe("running");
  });
});
