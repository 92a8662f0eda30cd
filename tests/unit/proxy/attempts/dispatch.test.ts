import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import type { AssetId } from "../../../../contracts/ids.ts";
import type { JobSpec } from "../../../../contracts/job.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { newAssetId, sampleAsset } from "../store/samples.ts";

function loads(assetId: AssetId): { spec: JobSpec } {
  const image = { __type: "core/ASSET", info: { id: assetId } };
  return { spec: { kind: "workflow", workflow: { "1": { class_type: "LoadImage", inputs: { image } } } } };
}

async function withAsset(side: PodSide, text: string) {
  const bytes = new TextEncoder().encode(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const asset = sampleAsset(side.tenantId, { sha256, sizeBytes: bytes.byteLength, filePath: "in.png" });
  await side.store.createAsset(asset);
  side.blobs.blobs.set(`${side.tenantId} ${sha256}`, bytes);
  return { asset, sha256, job: await side.submit(loads(asset.id)) };
}

/** The agent says no to every start. */
function refuse(side: PodSide, error: FleetError): void {
  side.agent.onStart = () => {
    throw error;
  };
}

function starts(side: PodSide): number {
  return side.transport.requests.filter((name) => name.includes("attempts.start")).length;
}

describe("dispatch()", () => {
  it("assigns, starts and marks the job running; the order carries everything", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit({ runWithinMs: 77_000 });
    const told: string[] = [];
    side.signals.on("job", (job) => told.push(job.id));
    await side.dispatch(id);
    expect(side.lastStart()).toMatchObject({
      podId: side.podId,
      epoch: 1,
      jobId: id,
      no: 1,
      inputs: [],
      after: null,
      runWithinMs: 77_000,
    });
    expect(await side.job(id)).toMatchObject({ state: "running", attempt: 1, podId: side.podId });
    expect(told).toEqual([id]);
    expect(await side.attempt(side.lastStart().attemptId)).toMatchObject({
      state: "running",
      bootId: side.agent.bootId,
    });
  });

  it("does nothing for a decision that somebody overtook", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id, ver } = await side.submit();
    await side.dispatcher.dispatch({ jobId: id, ver: ver + 1, pod: side.live(), after: null });
    await Promise.all([1, 2].map(() => side.dispatch(id)));
    expect(side.agent.starts.length).toBe(1);
    expect((await side.job(id)).attempt).toBe(1);
  });

  it("brings the inputs that the pod lacks, once, and starts again", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { asset, sha256, job } = await withAsset(side, "pixels");
    await side.dispatch(job.id);
    expect(new TextDecoder().decode(side.agent.inputs.get(sha256))).toBe("pixels");
    expect(side.lastStart().inputs).toEqual([{ assetId: asset.id, sha256, sizeBytes: 6, fileName: "in.png" }]);
    expect((await side.job(job.id)).state).toBe("running");
    expect(side.agent.starts.map(({ attemptId }) => attemptId)).toEqual([
      side.lastStart().attemptId,
      side.lastStart().attemptId,
    ]);
    side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
    const again = await side.submit(loads(asset.id));
    await side.dispatch(again.id);
    expect(side.transport.requests.filter((name) => name.startsWith("PUT")).length).toBe(1);
  });

  it("queues the job again, as after a loss, when the inputs do not get through", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { job } = await withAsset(side, "pixels");
    side.transport.faults.push({ path: /^PUT/, fault: "lose_answer", times: 1 });
    await side.dispatch(job.id);
    expect(await side.job(job.id)).toMatchObject({ state: "queued", losses: 1 });
  });

  it("queues the job again, as after a loss, when the transfer of an input stalls", async () => {
    await using side = await setUpPodSide({ attempts: { stallMs: 1_000 } });
    await side.start();
    const { job } = await withAsset(side, "pixels");
    side.transport.faults.push({ path: /^PUT/, fault: "hang", times: 1 });
    const dispatched = side.dispatch(job.id);
    await until(() => side.transport.requests.some((name) => name.startsWith("PUT")));
    await side.advance(2_500);
    await dispatched;
    expect(await side.job(job.id)).toMatchObject({ state: "queued", losses: 1 });
  });

  it("stops when an agent asks for the same inputs for ever", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { job, sha256 } = await withAsset(side, "pixels");
    side.agent.onStart = () => ({ status: "missing_input", hashes: [sha256] });
    await side.dispatch(job.id);
    expect(side.agent.starts.length).toBe(3);
    expect(await side.job(job.id)).toMatchObject({ state: "queued", losses: 1 });
  });

  it("fails the job with missing_asset when an asset is not there, or its bytes are gone", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const unknown = await side.submit(loads(newAssetId()));
    await side.dispatch(unknown.id);
    expect(await side.job(unknown.id)).toMatchObject({ state: "failed", error: { code: "missing_asset" } });
    expect(side.agent.starts.length).toBe(0);
    const { job, sha256 } = await withAsset(side, "pixels");
    side.blobs.blobs.delete(`${side.tenantId} ${sha256}`);
    await side.dispatch(job.id);
    expect(await side.job(job.id)).toMatchObject({ state: "failed", error: { code: "missing_asset" } });
  });

  it("fails the job when the agent refuses the workflow itself", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const nodeErrors = { "1": [{ field: "width", reason: "too large" }] };
    refuse(side, new FleetError("invalid_workflow", "Cannot run workflow: node 1", { details: { nodeErrors } }));
    const { id } = await side.submit();
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({ state: "failed", error: { code: "invalid_workflow", nodeErrors } });
  });

  it.each(["slot_busy", "comfy_unavailable", "stale_epoch", "wrong_pod"] as const)(
    "gives the job back after %s, without a loss, and may try again shortly after",
    async (code) => {
      await using side = await setUpPodSide();
      await side.start();
      refuse(side, new FleetError(code, "Cannot start now"));
      const { id } = await side.submit();
      let hints = 0;
      side.signals.on("queue", () => (hints += 1));
      await side.dispatch(id);
      expect(await side.job(id)).toMatchObject({ state: "queued", losses: 0, attempt: 1 });
      expect(await side.store.listQueue(10)).toEqual([]);
      expect(hints).toBe(1);
      await side.advance(300);
      expect((await side.store.listQueue(10)).map((job) => job.id)).toEqual([id]);
      expect(hints).toBe(2);
      expect(side.live().freeSlots).toBe(1);
    },
  );

  it("keeps the attempt when only the answer to its start was lost", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.transport.faults.push({ path: /attempts\.start/, fault: "lose_answer", times: 1 });
    const { id } = await side.submit();
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({ state: "running", attempt: 1 });
    expect(starts(side)).toBe(1);
  });

  it("queues the job again, as after a loss, when the agent never got the start", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.transport.faults.push({ path: /attempts\.start/, fault: "lose_request", times: 1 });
    const { id } = await side.submit();
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
  });

  it("asks again and again before it leaves the attempt to the pod's session", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.transport.faults.push({ path: /attempts\.(start|get)/, fault: "lose_answer", times: 3 });
    const { id } = await side.submit();
    const dispatched = side.dispatch(id);
    await until(() => starts(side) === 1);
    await side.advance(3_000);
    await dispatched;
    expect(await side.job(id)).toMatchObject({ state: "running", attempt: 1 });
  });

  it("leaves an unanswered start to the session, which finds it running", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.transport.faults.push({ path: /attempts\.(start|get)/, fault: "lose_answer", times: 99 });
    const { id } = await side.submit();
    const dispatched = side.dispatch(id);
    await until(() => starts(side) === 1);
    side.agent.attempts.set(side.lastStart().attemptId, reportOf(side.lastStart(), "running"));
    await side.advance(4_000);
    await dispatched;
    await side.advance(1_000);
    await until(async () => (await side.job(id)).state === "running");
    expect(await side.job(id)).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("gives a job back at once when the pod refuses connections, and has the session look", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.advance(250);
    side.transport.faults.push({ path: /./, fault: "refuse", times: 9_999 });
    const { id } = await side.submit();
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 0 });
    await side.advance(1_000);
    expect(side.live().accepting).toBe(false);
  });

  it("passes a cancel on that came while the start was under way", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    const accept = side.agent.onStart;
    side.agent.onStart = (order) => {
      void side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
      return accept(order);
    };
    await side.dispatch(id);
    expect((await side.job(id)).state).toBe("canceling");
    await side.advance(500);
    await until(() => side.agent.beats.at(-1)?.cancel.includes(side.lastStart().attemptId));
    side.agent.report(reportOf(side.lastStart(), "canceled"));
    await until(async () => (await side.job(id)).state === "canceled");
  });

  it("survives a store that fails, and the session sorts it out", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    const { startJob } = side.store;
    side.store.startJob = () => Promise.reject(new Error("disk full"));
    await side.dispatch(id);
    expect(side.lines.some(({ message }) => message === "dispatch failed")).toBe(true);
    side.store.startJob = startJob;
    side.agent.attempts.set(side.lastStart().attemptId, reportOf(side.lastStart(), "running"));
    await side.advance(6_000);
    await until(async () => (await side.job(id)).state === "running");
  });
});
