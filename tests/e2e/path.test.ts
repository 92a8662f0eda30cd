/** One job from the client to a saved file and back, through real processes, with the edge on Deno and on Node. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash, randomFillSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet, file, type JobEvent } from "../../client/mod.ts";
import { collect, progressOf, states, statuses } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { gradientPath, greeting, invert, postcard, postcardPath, quick, slow } from "../support/fleet/workflows.ts";
import { noisePng } from "../support/noise-png.ts";
import { differenceFromRecording } from "../support/real-comfy/compare-pictures.ts";

describe.each(EDGE_RUNTIMES)("a job through an edge on %s", (runtime) => {
  let fleet: TestFleet;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "comfyfleet-out-"));
    fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it("run() shows progress and saves the recorded picture", async () => {
    const job = fleet.client.run(postcard(), { "Picture.image": file(postcardPath) });
    const events = await collect(job);
    const progress = progressOf(events, 1);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress.map(({ value }) => value)).toEqual(progress.map(({ value }) => value).toSorted((a, b) => a - b));
    expect(progress.some(({ currentNodeClass, steps }) => currentNodeClass === "ColorTransfer" && steps === 60))
      .toBe(true);

    const { outputs, previews } = await job.result();
    expect(outputs).toMatchObject([{ nodeId: "5", type: "image", contentType: "image/png", temporary: false }]);
    expect(previews).toMatchObject([{ nodeId: "9", temporary: true }]);
    const [output] = outputs;
    const path = await output?.save(`${folder}/`) ?? "";
    expect(path).toBe(join(folder, output?.name ?? ""));
    const bytes = readFileSync(path);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(output?.sha256);
    expect(bytes.byteLength).toBe(output?.sizeBytes);
    expect(await differenceFromRecording(bytes, "workflow-postcard-0.png")).toBeLessThanOrEqual(2);
  });

  it("run() uploads a file and inverts it, pixel for pixel", async () => {
    const { outputs } = await fleet.client.run(invert(), { "Picture.image": file(gradientPath) });
    const bytes = await outputs[0]?.bytes() ?? new Uint8Array();
    expect(await differenceFromRecording(bytes, "workflow-invert-upload-0.png")).toBe(0);
    const stream = await outputs[0]?.stream();
    expect(Buffer.concat(await Array.fromAsync(stream ?? []))).toEqual(Buffer.from(bytes));
  });

  it("run() brings small outputs along with the result, and asks for large ones", async () => {
    const asked: string[] = [];
    const client = createFleet({
      ...{ baseUrl: fleet.baseUrl, apiKey: fleet.apiKey },
      fetch(input, init) {
        const { pathname } = new URL(input instanceof Request ? input.url : input);
        if (init?.method !== "POST" && pathname.startsWith("/v1/assets/")) asked.push(pathname);
        return fetch(input, init);
      },
    });
    const noise = noisePng(256, (bytes) => randomFillSync(bytes));
    for (
      const [job, calls] of [[client.run(quick()), 0], [
        client.run(invert(), { "Picture.image": file(noise, "noise.png") }),
        1,
      ]] as const
    ) {
      const { job: done, outputs: [output] } = await job;
      const bytes = await output?.bytes() ?? new Uint8Array();
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(output?.sha256);
      expect(asked).toHaveLength(calls);
      expect(JSON.stringify(done)).not.toContain("dataBase64");
    }
  });

  it("run() brings texts home as text/plain", async () => {
    const job = fleet.client.run(greeting(), { "Second.value": "fleet" });
    const { job: done } = await job;
    const texts = done.outputs.filter(({ type }) => type === "text");
    expect(new Set(texts.map(({ nodeId }) => nodeId))).toEqual(new Set(["4", "5"]));
    expect(texts.map(({ name }) => name)).toContain("greeting_00001.txt");
    for (const { assetId, contentType } of texts) {
      expect(contentType).toMatch(/^text\/plain/);
      const bytes = await Array.fromAsync(await fleet.client.assets.download(assetId));
      expect(Buffer.concat(bytes).toString()).toBe("hello fleet");
    }
  });

  it("a handle tells the same job by await, by iteration, by watch() and by get()", async () => {
    const job = fleet.client.run(slow(20));
    const [awaited, iterated, watched] = await Promise.all([job, collect(job), collect(job.watch())]);
    for (const events of [iterated, watched]) {
      expect(states(events).at(-1)).toBe("succeeded");
      expect(statuses(events).at(-1)?.job?.outputs).toEqual(awaited.job.outputs);
      expect(states(events)).toEqual(["queued", "running", "succeeded"].slice(-states(events).length));
    }
    expect(await job.get()).toEqual(awaited.job);
  });

  it("jobs.watch sends every event under an id of its own, and ends with the job", async () => {
    const { id: jobId } = await fleet.client.run(slow(30)).submitted;
    const received: { id: string; data: JobEvent }[] = [];
    await new Promise<void>((resolve, reject) => {
      fleet.client.trpc.jobs.watch.subscribe({ jobId, lastEventId: "0" }, {
        onData: (event) => received.push(event),
        onComplete: resolve,
        onError: reject,
      });
    });
    expect(received.length).toBeGreaterThan(4);
    expect(new Set(received.map(({ id }) => id)).size).toBe(received.length);
    const told = statuses(received.map(({ data }) => data));
    expect(told.map(({ state }) => state)).toEqual(["queued", "running", "succeeded"]);
    expect(told.map(({ ver }) => ver)).toEqual(told.map(({ ver }) => ver).toSorted((a, b) => a - b));
    const ids = received.filter(({ data }) => data.type === "status").map(({ id }) => id);
    expect(ids).toEqual(told.map(({ ver }) => String(ver)));
  });

  it("job() comes back to a finished job, with its outputs and one event", async () => {
    const first = await fleet.client.run(quick());
    const again = fleet.client.job(first.job.id);
    const { job, outputs } = await again.result();
    expect(job).toEqual(first.job);
    expect(await outputs[0]?.bytes()).toEqual(await first.outputs[0]?.bytes());
    expect(states(await collect(again))).toEqual(["succeeded"]);
  });

  it("a receipt says what ran and where the time went", async () => {
    const { receipt, job } = await fleet.client.run(slow(10));
    const { items: [pod] } = await fleet.client.trpc.pods.list.query({});
    expect(receipt).toMatchObject({
      graphSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      pod: { id: pod?.id, name: "local" },
      comfyVersion: pod?.capability?.comfyVersion,
      agentVersion: pod?.capability?.agentVersion,
      objectInfoSha256: pod?.capability?.objectInfoSha256,
      models: [],
      cached: false,
      attempts: 1,
      losses: 0,
    });
    expect(receipt?.comfyVersion).toMatch(/^\d+\.\d+\.\d+/);
    const { totalMs = Number.NaN, modelLoadMs: _, ...parts } = receipt?.timing ?? {};
    const sum = Object.values(parts).reduce((total, part) => total + part, 0);
    expect(Math.abs(totalMs - sum)).toBeLessThanOrEqual(1);
    // Written with the commit whose time `completedAt` is.
    expect(totalMs).toBeLessThanOrEqual(Date.parse(job.completedAt ?? "") - Date.parse(job.createdAt));
    expect(receipt?.timing.executeMs).toBeGreaterThanOrEqual(150);
  });

  it("a receipt has the same graph hash for the same graph, and says that it came from ComfyUI's cache", async () => {
    const workflow = quick();
    const first = await fleet.client.run(workflow);
    const again = await fleet.client.run(workflow);
    const other = await fleet.client.run(quick());
    expect(again.receipt?.graphSha256).toBe(first.receipt?.graphSha256);
    expect(other.receipt?.graphSha256).not.toBe(first.receipt?.graphSha256);
    expect(again.outputs[0]?.sha256).toBe(first.outputs[0]?.sha256);
  });

  it("run() with the same idempotency key gives the same job, with another request a conflict", async () => {
    const workflow = quick();
    const options = { idempotencyKey: "order-1" };
    const first = await fleet.client.run(workflow, {}, options).submitted;
    const again = await fleet.client.run(workflow, {}, options);
    expect(again.job.id).toBe(first.id);
    await expect(fleet.client.run(quick(), {}, options).submitted).rejects.toMatchObject({
      code: "idempotency_key_reuse",
      hint: expect.any(String),
    });
  });
});
