// A ComfyUI that somebody else runs: used, recognised, never touched.
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { attach, somebodys, WORKER_STALL_MS } from "../../support/comfy/attached.ts";
import { arm, cleanUp, reach } from "../../support/comfy/supervised.ts";
import { quickGraph } from "./graphs.ts";

const signal = new AbortController().signal;

afterEach(cleanUp);

describe("createAttachedComfy()", () => {
  it("waits for ComfyUI, then runs prompts and moves files over HTTP", async () => {
    const other = await somebodys();
    const { comfy, statuses, messages } = attach(other);
    expect(await reach(statuses, "backoff", 0)).toMatchObject({ reason: "NotRunning", generation: null });
    other.start();
    const status = await reach(statuses, "ready", 0);
    expect(status).toMatchObject({ reason: "Attached", generation: { adopted: true }, devices: [{ type: "cpu" }] });
    expect(status.message).toContain("cannot restart it");
    expect(status.message).toContain("every file goes over HTTP");
    expect(comfy.folders).toBeNull();
    const promptId = crypto.randomUUID();
    await comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal);
    await vi.waitFor(() => expect(messages.at(-1)).toEqual({ type: "finished", promptId }), 5_000);
    const lookup = await comfy.api.lookup(promptId, signal);
    if (lookup.status !== "succeeded" || lookup.files[0] === undefined) throw new Error("Cannot find the output");
    const picture = new Uint8Array(await (await comfy.api.view(lookup.files[0], signal)).arrayBuffer());
    expect(picture.subarray(1, 4)).toEqual(Uint8Array.of(0x50, 0x4e, 0x47));
    const name = await comfy.api.upload({ name: "in.png", subfolder: "sub", body: new Blob([picture]) }, signal);
    expect(name).toBe("sub/in.png");
  });

  it("takes another process for another generation", async () => {
    const other = await somebodys();
    const first = other.start();
    const { comfy, statuses } = attach(other, { directory: other.base });
    const before = await reach(statuses, "ready", 0);
    expect(comfy.folders?.output).toBe(join(other.base, "output"));
    const since = statuses.length;
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(await reach(statuses, "backoff", since)).toMatchObject({ reason: "NotRunning", generation: null });
    other.start();
    const after = await reach(statuses, "ready", since);
    expect(after.generation?.id).not.toBe(before.generation?.id);
  });

  it.each(["run", "pending"])(
    "takes no jobs, and gives up its run, once the worker has died with a line in the log (%s), until it is restarted",
    async (how) => {
      const other = await somebodys();
      const child = other.start();
      const { comfy, statuses } = attach(other);
      await reach(statuses, "ready", 0);
      const since = statuses.length;
      await arm(other.controlPort, "zombie-worker", how);
      await comfy.api.submit({ promptId: crypto.randomUUID(), workflow: quickGraph(), previews: false }, signal);
      expect(await reach(statuses, "backoff", since)).toMatchObject({ reason: "WorkerDied", generation: null });
      expect(comfy.status.message).toContain("Restart it where it was started");
      // An agent that comes new to it finds out before it is given a job.
      const second = attach(other);
      expect(await reach(second.statuses, "backoff", 0)).toMatchObject({ reason: "WorkerDied" });
      expect(second.statuses.some(({ state }) => state === "ready")).toBe(false);
      expect(statuses.slice(since).some(({ state }) => state === "ready")).toBe(false);
      child.kill("SIGKILL");
      await once(child, "exit");
      other.start();
      await reach(statuses, "ready", since);
    },
  );

  it("does not take a line in the log, which a node may have printed, for the worker's death", async () => {
    const other = await somebodys();
    other.start();
    const printed = { entries: [{ m: "Exception in thread Thread-2 (prompt_worker):\n" }] };
    const lied: string[] = [];
    const lying: typeof fetch = (input, init) => {
      if (!String(input).endsWith("/internal/logs/raw")) return fetch(input, init);
      lied.push(String(input));
      return Promise.resolve(Response.json(printed));
    };
    const first = attach(other, { fetch: lying });
    await reach(first.statuses, "ready", 0);
    const run = async () => {
      const promptId = crypto.randomUUID();
      await first.comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal);
      const succeeded = async () => expect((await first.comfy.api.lookup(promptId, signal)).status).toBe("succeeded");
      await vi.waitFor(succeeded, 5_000);
    };
    await run();
    // A run of somebody else's that says nothing keeps one out that comes new to it, until it is over.
    await arm(other.controlPort, "hang", "run");
    const promptId = crypto.randomUUID();
    await first.comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal);
    await vi.waitFor(() => expect(lied).not.toEqual([]), 5_000);
    const second = attach(other, { fetch: lying });
    expect(await reach(second.statuses, "backoff", 0)).toMatchObject({ reason: "WorkerDied" });
    await fetch(`http://127.0.0.1:${other.controlPort}/faults`, { method: "DELETE" });
    await reach(second.statuses, "ready", 0);
  });

  it("does not take a long silence for the worker's death", async () => {
    const other = await somebodys();
    other.start();
    const { comfy, statuses } = attach(other);
    await reach(statuses, "ready", 0);
    await arm(other.controlPort, "hang", "run");
    const promptId = crypto.randomUUID();
    await comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal);
    // Longer than it takes to ask the log, several times over.
    await vi.waitFor(
      async () => expect(await comfy.api.lookup(promptId, signal)).toEqual({ status: "running" }),
      5_000,
    );
    const askedMs = performance.now();
    while (performance.now() - askedMs < 10 * WORKER_STALL_MS) await comfy.api.lookup(promptId, signal);
    expect(comfy.status.state).toBe("ready");
    await fetch(`http://127.0.0.1:${other.controlPort}/faults`, { method: "DELETE" });
    await vi.waitFor(async () => expect((await comfy.api.lookup(promptId, signal)).status).toBe("succeeded"), 5_000);
  });

  it("keeps the generation of one that only does not answer", async () => {
    const other = await somebodys();
    other.start();
    const { statuses } = attach(other);
    const before = await reach(statuses, "ready", 0);
    const since = statuses.length;
    await arm(other.controlPort, "hang", "http");
    expect(await reach(statuses, "backoff", since))
      .toMatchObject({ reason: "Unresponsive", generation: { id: before.generation?.id } });
    await fetch(`http://127.0.0.1:${other.controlPort}/faults`, { method: "DELETE" });
    expect((await reach(statuses, "ready", since)).generation).toEqual(before.generation);
  });

  it("knows it again after a restart of the agent, and leaves it running", async () => {
    const other = await somebodys();
    const child = other.start();
    const first = attach(other);
    const before = await reach(first.statuses, "ready", 0);
    await first.comfy.stop();
    expect(first.comfy.status).toMatchObject({ state: "stopped", generation: null });
    const second = attach(other, { stateDir: first.stateDir });
    expect((await reach(second.statuses, "ready", 0)).generation).toEqual(before.generation);
    expect(child.exitCode).toBeNull();
  });

  it("does not give it up when it is slow to answer after a restart of the agent, but when nobody listens", async () => {
    const other = await somebodys();
    const child = other.start();
    const first = attach(other);
    const before = await reach(first.statuses, "ready", 0);
    await first.comfy.stop();
    await arm(other.controlPort, "hang", "http");
    const second = attach(other, { stateDir: first.stateDir });
    expect(await reach(second.statuses, "backoff", 0))
      .toMatchObject({ reason: "Unreachable", generation: { id: before.generation?.id } });
    await fetch(`http://127.0.0.1:${other.controlPort}/faults`, { method: "DELETE" });
    expect((await reach(second.statuses, "ready", 0)).generation).toEqual(before.generation);
    expect(second.statuses.every(({ generation }) => generation?.id === before.generation?.id)).toBe(true);
    await second.comfy.stop();
    child.kill("SIGKILL");
    await once(child, "exit");
    const third = attach(other, { stateDir: first.stateDir });
    expect(await reach(third.statuses, "backoff", 0)).toMatchObject({ reason: "NotRunning", generation: null });
  });
});

describe("restart()", () => {
  it("only says that somebody should", async () => {
    const other = await somebodys();
    const child = other.start();
    const { comfy, statuses } = attach(other);
    await reach(statuses, "ready", 0);
    comfy.restart("GpuFault", "CUDA error: illegal memory access");
    expect(comfy.status).toMatchObject({ state: "ready", reason: "GpuFault" });
    expect(comfy.status.message).toContain("restarted by hand (GpuFault): CUDA error");
    expect(child.exitCode).toBeNull();
  });
});
