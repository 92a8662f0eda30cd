// A real ComfyUI on a real GPU: the made-up model samples, runs out of memory, and a node breaks the CUDA context. What
// arrives is kept under .tmp/gpu-recordings.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FleetError } from "../../contracts/errors.ts";
import type { Workflow } from "../../client/mod.ts";
import { type CudaFleet, startCudaFleet } from "../support/gpu/cuda-comfy.ts";
import { named, record, whyNoCudaComfy } from "../support/gpu/real-gpu.ts";
import { until } from "../support/fleet/until.ts";
import { exampleWorkflow } from "../real/workflows.ts";

const reason = whyNoCudaComfy();

function breakCuda(how: "illegal_access" | "assert", color: number): Workflow {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color } },
    "2": { class_type: "BreakCuda", inputs: { image: ["1", 0], how } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "broken" } },
  };
}

describe.skipIf(reason !== null)(named("a real ComfyUI on a GPU", reason), () => {
  let cuda: CudaFleet;
  beforeAll(async () => {
    cuda = await startCudaFleet();
  });
  afterAll(async () => await cuda?.[Symbol.asyncDispose]());

  const sample = async (seed: number) =>
    await cuda.fleet.client.run(await exampleWorkflow("ksampler"), { "Sampler.seed": seed });
  const podNow = async () => {
    const [pod] = (await cuda.fleet.client.trpc.pods.list.query({})).items;
    if (!pod) throw new Error("the fleet has no pod");
    return pod;
  };
  const failureOf = async (workflow: Workflow) => {
    const job = cuda.fleet.client.run(workflow);
    await job.result().catch((error: unknown) => {
      if (!FleetError.is(error)) throw error;
    });
    return (await job.get()).error;
  };

  it("has a CUDA device, and a GPU that is sampled and judged to be healthy or degraded", async () => {
    const { id } = await podNow();
    const { gpu } = cuda.fleet.client.pod(id);
    const verdict = await until("a verdict of the first sample", async () => {
      const { state, ...rest } = await gpu.verdict.query();
      return state === "unknown" ? null : { state, ...rest };
    });
    const sample = await gpu.sample.query();
    const pod = await podNow();
    record("pod", { pod, verdict, sample });
    expect(pod.capability?.devices[0]?.type).toBe("cuda");
    expect(["healthy", "degraded"]).toContain(verdict.state);
    expect(sample.problem).toBeNull();
    expect(sample.gpus.length).toBeGreaterThan(0);
    expect(sample.gpus[0]?.memoryTotalBytes).toBeGreaterThan(1e9);
  });

  it("samples with the made-up model", async () => {
    const { outputs, receipt } = await sample(1);
    record("sampled", receipt);
    expect(outputs.map(({ type }) => type)).toEqual(["image"]);
  });

  it("runs out of memory: out_of_memory, and the next job runs in the same ComfyUI", async () => {
    const pid = cuda.fleet.comfyPid();
    const graph = await exampleWorkflow("ksampler");
    Object.assign(graph["3"]?.inputs ?? {}, { width: 16_384, height: 16_384, batch_size: 64 });
    const error = await failureOf(graph);
    record("out-of-memory", error);
    expect(error?.code).toBe("out_of_memory");
    await sample(2);
    expect(cuda.fleet.comfyPid()).toBe(pid);
  });

  it.each(["illegal_access", "assert"] as const)(
    "breaks the CUDA context (%s): gpu_fault, and the next job runs in a new ComfyUI",
    async (how) => {
      const pid = cuda.fleet.comfyPid();
      const error = await failureOf(breakCuda(how, how.length));
      const log = cuda.fleet.agent.log().split("\n").filter((line) => line.includes("started anew"));
      record(`broken-context-${how}`, { error, log, pod: await podNow() });
      expect(error?.code).toBe("gpu_fault");
      await sample(how.length);
      const other = await until("another ComfyUI", () => Promise.resolve(cuda.fleet.comfyPid() === pid ? null : true));
      expect(other).toBe(true);
    },
  );
});
