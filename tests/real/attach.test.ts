// Attach mode: the agent uses a real ComfyUI that somebody else started, knowing nothing but its URL.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { differenceFromRecording } from "../support/real-comfy/compare-pictures.ts";
import { startComfy, type StartedComfy } from "../support/real-comfy/start.ts";
import { recordedWorkflow } from "./workflows.ts";

describe("a fleet attached to a running ComfyUI", () => {
  let comfy: StartedComfy;
  let fleet: TestFleet;
  beforeAll(async () => {
    comfy = await startComfy();
    fleet = await startTestFleet({ runtime: "deno", comfy: { kind: "attach", url: comfy.url } });
  });
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await comfy?.stop();
  });

  it("run() brings back the recorded pixels, fetched over HTTP", async () => {
    const { workflow, files } = await recordedWorkflow("empty-batch");
    const { outputs } = await fleet.client.run(workflow);
    const differences = await Promise.all(
      outputs.map(async (output, index) => differenceFromRecording(await output.bytes(), files[index] ?? "")),
    );
    expect(differences).toEqual(files.map(() => 0));
  });

  it("the pod says that it is attached, and a stop of the agent leaves ComfyUI running", async () => {
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    expect(pod?.capability).toMatchObject({ comfyMode: "attached" });
    await fleet.agent.terminate();
    const answer = await fetch(`${comfy.url}/prompt`, { signal: AbortSignal.timeout(5_000) });
    expect(answer.status).toBe(200);
  });
});
