/** ComfyUI's own faults through the whole path: what a client sees of them is time, never a wrong answer. */
import { describe, expect, it } from "vitest";
import { collect, reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, until } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

const STAND_IN = ["--step-ms", "20"];

describe.each(EDGE_RUNTIMES)("ComfyUI's faults, with the edge on %s", (runtime) => {
  it.each([
    ["drop-socket", "400ms"],
    ["lost-terminal-event", undefined],
  ])("%s: the job succeeds in its first attempt", async (fault, argument) => {
    await using fleet = await startTestFleet({ runtime, standInArgs: STAND_IN });
    await fleet.standIn.arm(fault, argument);
    const job = fleet.client.run(slow(60));
    const { result } = await expectSucceededOnce(fleet, job, [collect(job)]);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
    expect((await fleet.standIn.state()).worker.started).toHaveLength(1);
  });

  it("crash in the middle of a run: the job runs again on the ComfyUI that follows", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: STAND_IN });
    const before = fleet.comfyPid();
    await fleet.standIn.arm("crash", "400ms");
    const job = fleet.client.run(slow(60));
    const { result, stored } = await expectSucceededOnce(fleet, job, [collect(job)]);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
    expect(stored.events.map(({ state }) => state)).toEqual(["queued", "running", "queued", "running", "succeeded"]);
    expect(fleet.comfyPid()).not.toBe(before);
  });
});

// What follows is the agent's own doing; one runtime of the edge shows it.
describe("ComfyUI's faults that the agent ends", () => {
  const runtime = "deno";

  it("crash in every run: the job fails after JOB_MAX_LOSSES, with a code and a hint", async () => {
    await using fleet = await startTestFleet({
      runtime,
      standInArgs: [...STAND_IN, "--fault", "crash=run"],
      env: { JOB_MAX_LOSSES: "1", COMFYUI_BACKOFF_MS: "50" },
    });
    const job = fleet.client.run(quick());
    await expect(job.result()).rejects.toMatchObject({ code: "pod_lost", message: expect.any(String) });
    expect(await job.get()).toMatchObject({ state: "failed", losses: 2, attempt: 2 });
  });

  it("hang=http: ComfyUI is started anew and the job runs again", async () => {
    await using fleet = await startTestFleet({
      runtime,
      standInArgs: STAND_IN,
      env: { COMFYUI_UNRESPONSIVE_MS: "1500", COMFYUI_STOP_GRACE_MS: "500", COMFYUI_BACKOFF_MS: "50" },
    });
    const before = fleet.comfyPid();
    const job = fleet.client.run(slow(60));
    const watched = [collect(job)];
    await reached(job.watch(), 0.1);
    await fleet.standIn.arm("hang", "http");
    const { result } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job.losses).toBe(1);
    expect(fleet.comfyPid()).not.toBe(before);
  });

  it("a node that never ends: ComfyUI is started anew and the job runs again", async () => {
    await using fleet = await startTestFleet({
      runtime,
      standInArgs: STAND_IN,
      env: { AGENT_NO_PROGRESS_MS: "1500", COMFYUI_STOP_GRACE_MS: "500", COMFYUI_BACKOFF_MS: "50" },
    });
    await fleet.standIn.arm("hang", "node:3");
    const job = fleet.client.run(slow(60));
    const { result, stored } = await expectSucceededOnce(fleet, job, [collect(job)]);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
    expect(stored.events.map(({ reason }) => reason)).toContain("no_progress");
  });

  it("a node that never ends, past JOB_MAX_LOSSES: the job fails with no_progress, and the next one runs", async () => {
    await using fleet = await startTestFleet({
      runtime,
      standInArgs: STAND_IN,
      env: {
        JOB_MAX_LOSSES: "0",
        AGENT_NO_PROGRESS_MS: "1500",
        COMFYUI_STOP_GRACE_MS: "500",
        COMFYUI_BACKOFF_MS: "50",
      },
    });
    await fleet.standIn.arm("hang", "node:3");
    const job = fleet.client.run(slow(60));
    await expect(job.result()).rejects.toMatchObject({ code: "no_progress" });
    expect((await fleet.client.run(quick())).job.state).toBe("succeeded");
  });

  it("a cancel that ComfyUI does not heed: it is started anew, and the job is canceled", async () => {
    await using fleet = await startTestFleet({
      runtime,
      standInArgs: STAND_IN,
      env: { AGENT_CANCEL_GRACE_MS: "1000", COMFYUI_STOP_GRACE_MS: "500", COMFYUI_BACKOFF_MS: "50" },
    });
    await fleet.standIn.arm("hang", "node:3");
    const job = fleet.client.run(slow(60));
    await until("the node to hang", async () => (await job.get()).state === "running" || null);
    await job.cancel();
    await expect(job.result()).rejects.toMatchObject({ code: "canceled" });
    expect((await fleet.client.run(quick())).job.state).toBe("succeeded");
  });

  it("exit-at-start: the pod and its jobs say so, and the jobs run once ComfyUI starts", async () => {
    const good = JSON.stringify(["--step-ms", "20"]);
    await using fleet = await startTestFleet({
      runtime,
      waitFor: "edge",
      standInArgs: ["--fault", "exit-at-start"],
      env: { COMFYUI_BACKOFF_MS: "50" },
    });
    const job = fleet.client.run(quick());
    expect((await job.submitted).waiting?.reason).toMatch(/no_pods|pods_not_ready/);
    const condition = await until("the pod to say why", async () => {
      const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
      return pod?.conditions.find(({ type, status }) => type === "ComfyReady" && status === "false") ?? null;
    });
    expect(condition).toMatchObject({ reason: expect.stringMatching(/^[A-Z]\w+$/), message: expect.any(String) });
    const health = await ask(`${fleet.baseUrl}/healthz`, { key: fleet.apiKey });
    expect(health.status).toBe(503);
    expect(JSON.parse(health.text)).toMatchObject({
      status: "failing",
      components: [{ name: "store", status: "ok" }, { name: "pod local", status: "failing", fix: expect.any(String) }],
    });
    await fleet.agent.terminate();
    fleet.agent.start({ COMFYUI_ARGS: good });
    expect((await job).job.state).toBe("succeeded");
  });
});
