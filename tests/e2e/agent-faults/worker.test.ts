// Workers that die, cancels that are lost, checks and processes that stand still.
import { describe, expect, it } from "vitest";
import { begin, begun, expectNoRestart, expectOneRestart, runToEnd, startFaultyAgent } from "./faulty-agent.ts";
import { finalReport, imageGraph, reportWhen, slowGraph } from "../../contract/agent/orders.ts";

describe("a worker that dies", () => {
  it.each(["pending", "run"])(
    "zombie-worker=%s: ComfyUI is started anew at once, and the attempt is lost",
    async (how) => {
      await using faulty = await startFaultyAgent();
      await faulty.standIn.arm("zombie-worker", how);
      expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
      await expectOneRestart(faulty, "WorkerDied", /worker thread died/);
      expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
    },
  );

  it("zombie-worker=silent-run: nothing tells of it but the silence, which ends the attempt with no_progress", async () => {
    await using faulty = await startFaultyAgent({ env: { AGENT_NO_PROGRESS_MS: "1500" } });
    await faulty.standIn.arm("zombie-worker", "silent-run");
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "failed", error: { code: "no_progress" } });
    await expectOneRestart(faulty, "NoProgress", /no sign of work for 2 s/);
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
  });
});

describe("a cancel that is lost", () => {
  it("lost-cancel=2: the cancel is repeated until it is obeyed", async () => {
    await using faulty = await startFaultyAgent();
    await faulty.standIn.arm("lost-cancel", "2");
    const { attemptId } = await begin(faulty, slowGraph(2_000));
    await reportWhen(faulty.agent, attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    await faulty.agent.client.attempts.cancel.mutate({ attemptId });
    expect(await finalReport(faulty.agent, attemptId)).toMatchObject({ state: "canceled" });
    expect(await begun(faulty)).toBe(1);
    await expectNoRestart(faulty);
  });

  it("lost-cancel=all: ComfyUI is started anew after the grace time, and the attempt is canceled", async () => {
    await using faulty = await startFaultyAgent({ env: { AGENT_CANCEL_GRACE_MS: "1000" } });
    await faulty.standIn.arm("lost-cancel", "all");
    const { attemptId } = await begin(faulty, slowGraph(2_000));
    await reportWhen(faulty.agent, attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    await faulty.agent.client.attempts.cancel.mutate({ attemptId });
    expect(await finalReport(faulty.agent, attemptId)).toMatchObject({ state: "canceled" });
    await expectOneRestart(faulty, "CancelNotObeyed", /went on with a canceled run for 1 s/);
  });
});

describe("a ComfyUI that stands still", () => {
  it("slow-validation: the attempt waits for the answer and is posted once", async () => {
    await using faulty = await startFaultyAgent({ args: ["--fault", "slow-validation=2500ms"] });
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
    expect([await begun(faulty), faulty.agent.promptsTaken()]).toEqual([1, 1]);
    await expectNoRestart(faulty);
  });

  it("freeze for less than COMFYUI_UNRESPONSIVE_MS: the attempt succeeds, and nothing is restarted", async () => {
    await using faulty = await startFaultyAgent();
    await faulty.standIn.arm("freeze", "node:3:3000ms");
    expect(await runToEnd(faulty, slowGraph(20))).toMatchObject({ state: "succeeded" });
    expect(await begun(faulty)).toBe(1);
    await expectNoRestart(faulty);
  });

  it("freeze for longer: ComfyUI is killed and started anew, and the attempt is lost", async () => {
    await using faulty = await startFaultyAgent({ env: { COMFYUI_UNRESPONSIVE_MS: "1000" } });
    await faulty.standIn.arm("freeze", "node:3:60000ms");
    expect(await runToEnd(faulty, slowGraph(20))).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
    await expectOneRestart(faulty, "Unresponsive", /did not answer for \d+ s/);
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
  });

  it("hang=http for longer: the same", async () => {
    await using faulty = await startFaultyAgent({ env: { COMFYUI_UNRESPONSIVE_MS: "1000" } });
    const { attemptId } = await begin(faulty, slowGraph(500));
    await reportWhen(faulty.agent, attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    await faulty.standIn.arm("hang", "http");
    expect(await finalReport(faulty.agent, attemptId)).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
    await expectOneRestart(faulty, "Unresponsive", /did not answer for \d+ s/);
  });
});
