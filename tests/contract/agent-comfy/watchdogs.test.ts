// Watchdogs whose times an agent's settings do not scale: each on a real process, with times of its own.
import { afterEach, describe, expect, it, vi } from "vitest";
import { claimPort } from "../../../agent/comfy/supervised/free-port.ts";
import { arm, cleanUp, startSupervised } from "../../support/comfy/supervised.ts";
import type { SupervisedSetup } from "../../support/comfy/supervised-options.ts";
import { quickGraph } from "./graphs.ts";

const signal = new AbortController().signal;

afterEach(cleanUp);

async function startReady(setup: SupervisedSetup = {}) {
  const control = await claimPort(0);
  if (control === null) throw new Error("Cannot find a free port");
  const supervised = startSupervised({ ...setup, args: ["--control-port", String(control), ...setup.args ?? []] });
  await supervised.reach("ready");
  const submit = async (promptId = crypto.randomUUID()) => {
    const submission = await supervised.comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal);
    return { promptId, submission };
  };
  return { ...supervised, control, submit };
}

describe("a worker that dies without a word", () => {
  it.each([
    ["the list of jobs", []],
    ["the queue, where there is no such list", ["--fault", "no-jobs-api"]],
  ])("is found by prompts that wait while none runs, in %s", async (_source, args) => {
    const { control, reach, statuses, submit } = await startReady({ args, timings: { workerStallMs: 500 } });
    await arm(control, "zombie-worker", "silent-pending");
    const since = statuses.length;
    await submit();
    expect(await reach("backoff", since)).toMatchObject({ reason: "WorkerDied" });
    expect((await reach("ready", since)).message).toContain("(WorkerDied): ComfyUI's worker thread died");
  });
});

describe("a slow check", () => {
  it("that outlasts the deadline of the submit leaves the prompt to be found, once", async () => {
    const { comfy, control, statuses } = await startReady({ timings: { submitTimeoutMs: 300 } });
    await arm(control, "slow-validation", "1500ms");
    const promptId = crypto.randomUUID();
    const since = statuses.length;
    await expect(comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal)).rejects.toMatchObject(
      {
        code: "comfy_unavailable",
      },
    );
    await vi.waitFor(async () => {
      expect(await comfy.api.lookup(promptId, signal)).toMatchObject({ status: "succeeded" });
    }, 8_000);
    expect(statuses.slice(since)).toEqual([]);
  });
});

describe("a start that never ends", () => {
  it("is given up at its last moment, however much it logs", async () => {
    const { reach } = startSupervised({
      command: ["sh", "-c", "while true; do echo loading; sleep 0.05; done"],
      timings: { startMaxMs: 800, startQuietMs: 10_000, stopGraceMs: 200 },
    });
    const down = await reach("backoff");
    expect(down).toMatchObject({
      reason: "StartDeadlineExceeded",
      message: expect.stringContaining("not ready after"),
    });
  });
});

describe("a socket that is deaf for ever", () => {
  it("has ComfyUI started anew once it is idle, and the status says so before", async () => {
    const { control, reach, statuses, submit } = await startReady({
      timings: { socketDeafMs: 300, recyclePollMs: 100 },
    });
    await arm(control, "stuck-delivery");
    const since = statuses.length;
    await vi.waitFor(async () => {
      await submit();
      expect(statuses.slice(since).map(({ reason }) => reason)).toContain("SocketDeaf");
    }, { timeout: 10_000, interval: 600 });
    const waiting = statuses.slice(since).find(({ recycling }) => recycling !== null);
    expect(waiting).toMatchObject({ state: "ready", message: expect.stringContaining("takes no more jobs") });
    expect(await reach("backoff", since)).toMatchObject({ reason: "SocketDeaf", recycling: null });
    expect(await reach("ready", statuses.length - 1)).toMatchObject({ recycling: null });
  });
});
