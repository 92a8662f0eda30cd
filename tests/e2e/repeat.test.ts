/** A final job once more: `jobs.retry`, and `comfyfleet jobs retry|replay` as processes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { file } from "../../client/mod.ts";
import { envelopeOf, jsonLines, runCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { gradientPath, greeting, invert, quick, slow } from "../support/fleet/workflows.ts";

describe.each(EDGE_RUNTIMES)("a job once more, on an edge on %s", (runtime) => {
  let fleet: TestFleet;
  let cwd: string;
  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), "comfyfleet-repeat-"));
    fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
  });

  const cli = (...args: string[]) =>
    runCli(args, { cwd, env: { COMFYFLEET_URL: fleet.baseUrl, COMFYFLEET_KEY: fleet.apiKey } });

  function dataOf(result: { stdout: string }): Record<string, unknown> {
    const envelope = envelopeOf(result);
    if (!envelope.ok) throw new Error(`${envelope.error.code}: ${envelope.error.message}`);
    return envelope.data;
  }

  /** Another ComfyUI has nothing in its cache: what it makes, it renders. */
  async function emptyCache(): Promise<void> {
    const before = fleet.comfyPid();
    process.kill(before, "SIGKILL");
    await until("another ComfyUI", async () => (await fleet.standIn.state().catch(() => null))?.pid !== before || null);
    await until("its pod to be ready", async () => {
      const { items: [pod] } = await fleet.client.trpc.pods.list.query({});
      return pod?.phase === "ready" &&
          pod.conditions.every(({ status, type }) => type === "GpuHealthy" || status === "true") || null;
    });
  }

  it("retry() runs the same work as a new job that names the old one, which stays as it was", async () => {
    const first = await fleet.client.run(quick(), {}, { priority: "batch" });
    const second = await fleet.client.job(first.job.id).retry();
    expect(second.job).toMatchObject({ retryOf: first.job.id, priority: "batch", state: "succeeded", attempt: 1 });
    expect(second.job.id).not.toBe(first.job.id);
    expect(second.receipt?.graphSha256).toBe(first.receipt?.graphSha256);
    expect(second.outputs.map(({ sha256 }) => sha256)).toEqual(first.outputs.map(({ sha256 }) => sha256));
    expect(await fleet.client.job(first.job.id).get()).toEqual(first.job);
  });

  it("retry() refuses a job that is not final, and repeats one that was canceled", async () => {
    const running = fleet.client.run(slow(2_000));
    const { id } = await running.submitted;
    await expect(running.retry().submitted).rejects.toMatchObject({ code: "conflict", hint: expect.any(String) });
    await running.cancel();
    await until("the cancel", async () => (await running.get()).state === "canceled" || null);
    const again = fleet.client.job(id).retry({ idempotencyKey: `again-${runtime}` });
    const repeated = fleet.client.job(id).retry({ idempotencyKey: `again-${runtime}` });
    expect((await repeated.submitted).id).toBe((await again.submitted).id);
    await again.cancel();
  });

  it.each([
    ["a picture", () => fleet.client.run(quick())],
    ["an upload and two nodes", () => fleet.client.run(invert(), { "Picture.image": file(gradientPath) })],
    ["text, and a temporary output", () => fleet.client.run(greeting())],
  ])("jobs replay --json finds the bytes of %s equal, rendered by another ComfyUI", async (_, run) => {
    const { job } = await run();
    await emptyCache();
    const result = await cli("jobs", "replay", job.id, "--json");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(jsonLines(result)).toHaveLength(1);
    const replay = dataOf(result);
    expect(replay).toMatchObject({
      replayOf: job.id,
      equal: true,
      state: { before: "succeeded", after: "succeeded" },
      receipt: {
        graphSha256: { before: job.receipt?.graphSha256, equal: true },
        pod: { before: "local", after: "local", equal: true },
        comfyVersion: { equal: true },
        objectInfoSha256: { equal: true },
        cached: { after: false },
      },
    });
    expect(replay.outputs).toEqual(
      job.outputs.map(({ sha256 }) => expect.objectContaining({ before: sha256, after: sha256, equal: true })),
    );
    expect(await fleet.client.job(String(replay.jobId)).get()).toMatchObject({ retryOf: job.id, state: "succeeded" });
  });

  it("jobs replay tells people, and that equal bytes from the cache show nothing", async () => {
    const { job } = await fleet.client.run(quick());
    const { code, stdout, stderr } = await cli("jobs", "replay", job.id);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(new RegExp(`^submitted job_\\w+, which repeats ${job.id}$`, "m"));
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toContain("result    equal: 1 of 1 outputs have the same bytes");
    expect(lines).toContain("differs   from the cache: false → true");
    expect(stdout).toMatch(/^note .*rendered nothing/m);
    expect(stdout).toMatch(/^output {4}quick_00001_\.png \(node 2\) {2}equal {2}[0-9a-f]{12}$/m);
  });

  it("jobs replay of a job that fails again has the exit code of its end", async () => {
    const job = fleet.client.run(slow(2_000), {}, { runWithinMs: 1_000 });
    await expect(job.result()).rejects.toMatchObject({ code: "timeout" });
    const { id } = await job.submitted;
    const result = await cli("jobs", "replay", id, "--json");
    expect(result.code).toBe(6);
    expect(dataOf(result)).toMatchObject({ equal: false, state: { before: "failed", after: "failed" } });
  });

  it("jobs retry prints the new job, and refuses what is not final with conflict", async () => {
    const { job } = await fleet.client.run(quick());
    const retried = dataOf(await cli("jobs", "retry", job.id, "--json"));
    expect(retried).toMatchObject({ id: expect.stringMatching(/^job_/), retryOf: job.id });
    await fleet.client.job(String(retried.id));
    const shown = await cli("jobs", "get", String(retried.id));
    expect(shown.stdout).toMatch(new RegExp(`^retry of {2}${job.id}$`, "m"));
    const running = fleet.client.run(slow(2_000));
    const { id } = await running.submitted;
    const refused = await cli("jobs", "retry", id, "--json");
    expect(refused.code).toBe(1);
    expect(envelopeOf(refused)).toMatchObject({ ok: false, error: { code: "conflict" } });
    await running.cancel();
  });
});
