// Four jobs, and a text, from the client through the edge and the agent to a real ComfyUI on the CPU, and back.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { file, type InputValues } from "../../client/mod.ts";
import { EDGE_RUNTIMES, type TestFleet, until } from "../support/fleet/fleet.ts";
import { differenceFromRecording } from "../support/real-comfy/compare-pictures.ts";
import { promptsIn, startRealFleet } from "../support/real-comfy/fleet.ts";
import { eventsOf, exampleWorkflow, progressOf, recordedWorkflow, sourcePicture } from "./workflows.ts";

/** About 2.5 ms a frame at 256 pixels; each size is its own work, so that ComfyUI has nothing of it cached. */
function frames(count: number, size: number): InputValues {
  return { "Frames.batch_size": count, "Frames.width": size, "Frames.height": size };
}

describe.each(EDGE_RUNTIMES)("a job through an edge on %s to a real ComfyUI", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    fleet = await startRealFleet({ runtime });
  });
  afterAll(async () => await fleet?.[Symbol.asyncDispose]());

  it("run() brings back the recorded pixels of a graph", async () => {
    const { workflow, files } = await recordedWorkflow("empty-batch");
    const { outputs, receipt } = await fleet.client.run(workflow);
    expect(outputs.map(({ type, contentType }) => [type, contentType])).toEqual(
      files.map(() => ["image", "image/png"]),
    );
    const differences = await Promise.all(
      outputs.map(async (output, index) => differenceFromRecording(await output.bytes(), files[index] ?? "")),
    );
    expect(differences).toEqual(files.map(() => 0));
    expect(receipt).toMatchObject({ attempts: 1, losses: 0, comfyVersion: expect.stringMatching(/^0\.\d+/) });
  });

  it("run() uploads the picture that a node loads", async () => {
    const inputs = { "Picture.image": file(await sourcePicture("gradient.png"), "gradient.png") };
    const { outputs } = await fleet.client.run(await exampleWorkflow("invert-upload"), inputs);
    expect(outputs).toHaveLength(1);
    const [output] = outputs;
    expect(await differenceFromRecording(await output?.bytes() ?? new Uint8Array(), "workflow-invert-upload-0.png"))
      .toBe(0);
  });

  it("run() reports a ColorTransfer's progress, never backwards, frame by frame", async () => {
    const job = fleet.client.run(await exampleWorkflow("color-transfer"), frames(900, 256));
    const events = await eventsOf(job);
    const progress = progressOf(events);
    const steps = progress.filter(({ currentNodeClass, step }) =>
      currentNodeClass === "ColorTransfer" && step !== null
    );
    expect(steps.length).toBeGreaterThanOrEqual(3);
    expect(steps.every(({ steps: total }) => total === 900)).toBe(true);
    const values = progress.map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(events.at(-1)).toMatchObject({ type: "status", state: "succeeded" });
    const { outputs } = await job;
    expect(outputs.map(({ type }) => type)).toEqual(["image"]);
  });

  it("run() brings the first picture home while the second is made", async () => {
    const workflow = {
      ...await exampleWorkflow("color-transfer"),
      "first": { class_type: "ImageFromBatch", inputs: { image: ["1", 0], batch_index: 0, length: 1 } },
      "saved": { class_type: "SaveImage", inputs: { images: ["first", 0], filename_prefix: "first" } },
    };
    const job = fleet.client.run(workflow, frames(600, 320));
    const told: string[] = [];
    for await (const event of job) {
      if (event.type === "status") told.push(event.state);
      // A loaded machine may take its time between the last node and the end.
      if (event.type !== "output" || event.output.nodeId !== "saved") continue;
      told.push(event.output.name);
      const [output] = (await job.get()).outputs;
      expect(output).toEqual(event.output);
      const bytes = Buffer.concat(await Array.fromAsync(await fleet.client.assets.download(event.output.assetId)));
      expect(bytes.length).toBe(event.output.sizeBytes);
      expect((await job.get()).state).toBe("running");
    }
    expect(told.slice(told.indexOf("running"))).toEqual(["running", "first_00001_.png", "succeeded"]);
    expect((await job).outputs.map(({ name }) => name)).toContain("first_00001_.png");
    expect((await job).outputs.length).toBe(2);
  });

  it("cancel() ends the run in ComfyUI too", async () => {
    const job = fleet.client.run(await exampleWorkflow("color-transfer"), frames(400, 384));
    for await (const event of job) {
      if (event.type === "progress" && event.progress.currentNodeClass === "ColorTransfer") break;
    }
    expect(await promptsIn(fleet.comfyUrl)).toBe(1);
    expect(await job.cancel()).toMatchObject({ cancelRequested: true });
    await expect(job.result()).rejects.toMatchObject({ code: "canceled" });
    expect(await promptsIn(fleet.comfyUrl)).toBe(0);
    expect(await job.get()).toMatchObject({ state: "canceled", attempt: 1, losses: 0, outputs: [] });
    const free = await until("the slot to be free", async () => {
      const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
      return pod?.slotsBusy === 0 ? pod : null;
    });
    expect(free.phase).toBe("ready");
  });

  it("run() brings text home as files", async () => {
    const words = { "First.value": "good", "Second.value": "day" };
    const { outputs } = await fleet.client.run(await exampleWorkflow("text"), words);
    const texts = await Promise.all(outputs.map(async (output) => `${output.nodeId}: ${await output.text()}`));
    // SaveText shows its text and writes a file.
    expect(texts.toSorted((a, b) => a.localeCompare(b))).toEqual(["4: good day", "5: good day", "5: good day"]);
    expect(outputs.every(({ contentType }) => contentType.startsWith("text/plain"))).toBe(true);
  });

  it("get() says which model a job waits for", async () => {
    const job = fleet.client.run(await exampleWorkflow("ksampler"), { "Model.unet_name": "not-here.safetensors" });
    await job.submitted;
    const { waiting } = await until("a reason to wait", async () => {
      const now = await job.get();
      return now.waiting?.reason === "missing_model" ? now : null;
    });
    expect(waiting?.message).toContain("not-here.safetensors");
    expect(await job.cancel()).toMatchObject({ state: "canceled" });
  });
});
