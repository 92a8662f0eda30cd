// Outputs and pictures of the work as watchers get them while the job runs.
import { describe, expect, it } from "vitest";
import type { AttemptEvent, AttemptOutput } from "../../../../contracts/attempt.ts";
import { sampleAsset, sampleOutput, sampleReceipt, sha256 } from "../store/samples.ts";
import { settle } from "./manual-clock.ts";
import { previewEvent, reportEvent } from "./scripted-agents.ts";
import { type WatchFixture, watchFixture } from "./watch-fixture.ts";

function reported(count: number): AttemptEvent {
  const event = reportEvent("running", null);
  if (event.type !== "report") throw new Error("no report");
  const output = { index: 0 } as AttemptOutput;
  return { type: "report", report: { ...event.report, outputs: Array.from({ length: count }, () => output) } };
}

function preview(nodeId: string): AttemptEvent {
  return { type: "preview", nodeId, contentType: "image/jpeg", dataBase64: "/9j/" };
}

/** What the settlement does when these are home. */
async function bring({ testStore: { store, tenantId }, jobId, signals }: WatchFixture, no: number, names: string[]) {
  const assets = names.map((fileName) => sampleAsset(tenantId, { filePath: fileName, sha256: sha256(fileName) }));
  const outputs = assets.map((asset) => sampleOutput(jobId, asset));
  const { job } = await store.addOutputs({ jobId, no, outputs, assets });
  if (job !== null) signals.emit("job", job);
  await settle();
  return { assets, outputs };
}

describe("watch() of outputs", () => {
  it("tells each once it is home, and the end with all of them", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    const no = await fixture.start();
    fixture.agents.open()[0]?.send(reported(1));
    await settle();
    expect(watcher.told).toEqual(["1 queued", "3 running"]);
    const { outputs: [first] } = await bring(fixture, no, ["a.png"]);
    expect(watcher.events.at(-1)?.data).toEqual({ type: "output", jobId: fixture.jobId, attempt: 1, output: first });
    fixture.agents.open()[0]?.send(reported(2));
    const all = await bring(fixture, no, ["a.png", "b.png"]);
    const { jobId, testStore, signals } = fixture;
    const { job } = await testStore.store.completeJob({ jobId, no, ...all, receipt: sampleReceipt });
    if (job !== null) signals.emit("job", job);
    expect(await watcher.ended).toBeNull();
    expect(watcher.told).toEqual(["1 queued", "3 running", "3.1 1:a.png", "3.2 1:b.png", "4 succeeded with job"]);
    expect(watcher.events.at(-1)?.data).toMatchObject({ job: { outputs: [{ name: "a.png" }, { name: "b.png" }] } });
  });

  it("finds them at its next look where no hint told of them, as on another edge", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    const no = await fixture.start();
    fixture.agents.open()[0]?.send(reported(1));
    await settle();
    const { store, tenantId } = fixture.testStore;
    const asset = sampleAsset(tenantId);
    await store.addOutputs({
      jobId: fixture.jobId,
      no,
      outputs: [sampleOutput(fixture.jobId, asset)],
      assets: [asset],
    });
    await fixture.clock.advance(1_000);
    await settle();
    expect(watcher.told).toEqual(["1 queued", "3 running", "3.1 1:a.png"]);
    watcher.stop();
  });

  it("reads nothing more for a job whose pod tells of none", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await fixture.start();
    let reads = 0;
    const { store } = fixture.testStore;
    const { getJob } = store;
    store.getJob = (id) => {
      reads += 1;
      return getJob(id);
    };
    fixture.agents.open()[0]?.send(reported(0));
    await fixture.clock.advance(5_000);
    expect(reads).toBe(0);
    watcher.stop();
  });

  it("asks less and less often for one that never comes, and at once when it is told of another", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    const no = await fixture.start();
    const { store } = fixture.testStore;
    const { getJob } = store;
    let reads = 0;
    store.getJob = (id) => {
      reads += 1;
      return getJob(id);
    };
    fixture.agents.open()[0]?.send(reported(3));
    await bring(fixture, no, ["a.png"]);
    for (let second = 0; second < 120; second++) await fixture.clock.advance(1_000);
    expect(reads).toBeLessThan(20);
    await bring(fixture, no, ["a.png", "b.png"]);
    expect(watcher.told.slice(2)).toEqual(["3.1 1:a.png", "3.2 1:b.png"]);
    watcher.stop();
  });

  it("asks no more once all are home, alike or not", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    const no = await fixture.start();
    fixture.agents.open()[0]?.send(reported(2));
    const { store, tenantId } = fixture.testStore;
    const asset = sampleAsset(tenantId);
    const output = sampleOutput(fixture.jobId, asset);
    const alike = { jobId: fixture.jobId, no, outputs: [output, output], assets: [asset] };
    const { job } = await store.addOutputs(alike);
    if (job !== null) fixture.signals.emit("job", job);
    await settle();
    expect(watcher.told.slice(2)).not.toEqual([]);
    let reads = 0;
    store.getJob = () => {
      reads += 1;
      return Promise.reject(new Error("not asked for"));
    };
    for (let second = 0; second < 10; second++) await fixture.clock.advance(1_000);
    expect(reads).toBe(0);
    watcher.stop();
  });

  it("gives who joins later what is home, and the newest picture to who asks for previews", async () => {
    await using fixture = await watchFixture();
    const first = fixture.watch({ previews: true });
    const no = await fixture.start();
    fixture.agents.open()[0]?.send(reported(1));
    fixture.agents.open()[0]?.send(preview("old"));
    fixture.agents.open()[0]?.send(preview("new"));
    await bring(fixture, no, ["a.png"]);
    const watchers = [fixture.watch({ previews: true }), fixture.watch(), fixture.watch({ lastEventId: "3.9" })];
    await settle();
    const kinds = watchers.map(({ events }) =>
      events.map(({ data }) => data.type === "preview" ? data.nodeId : data.type)
    );
    expect(kinds).toEqual([["status", "output", "new"], ["status", "output"], ["output"]]);
    for (const watcher of [first, ...watchers]) watcher.stop();
  });

  it("forgets outputs and pictures of a lost attempt", async () => {
    await using fixture = await watchFixture();
    const first = fixture.watch({ previews: true });
    const no = await fixture.start();
    fixture.agents.open()[0]?.send(reported(1));
    fixture.agents.open()[0]?.send(previewEvent);
    await bring(fixture, no, ["a.png"]);
    await fixture.lose(no);
    await fixture.start();
    const late = fixture.watch({ previews: true });
    await settle();
    expect(late.told).toEqual(["6 running"]);
    fixture.agents.open().at(-1)?.send(reported(1));
    await bring(fixture, 2, ["a.png"]);
    expect(late.told.slice(1)).toEqual([expect.stringContaining("2:a.png")]);
    for (const watcher of [first, late]) watcher.stop();
  });

  it("keeps at most 256 for a watcher that does not read, and tells it the end", async () => {
    await using fixture = await watchFixture();
    const { jobs, caller, jobId, testStore, signals } = fixture;
    const stop = new AbortController();
    const stream = jobs.watch(caller, { jobId, previews: false }, stop.signal)[Symbol.asyncIterator]();
    await stream.next();
    const no = await fixture.start();
    const names = Array.from({ length: 300 }, (_, index) => `${index}.png`);
    fixture.agents.open()[0]?.send(reported(300));
    const all = await bring(fixture, no, names);
    const { job } = await testStore.store.completeJob({ jobId, no, ...all, receipt: sampleReceipt });
    if (job !== null) signals.emit("job", job);
    await settle();
    const types: string[] = [];
    for (let next = await stream.next(); !next.done; next = await stream.next()) types.push(next.value.data.type);
    expect(types.filter((type) => type === "output").length).toBe(256);
    expect(types.at(-1)).toBe("status");
  });
});
