import { describe, expect, it, vi } from "vitest";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";
import { jobId } from "./ids.ts";
import { settle } from "./manual-clock.ts";
import { progressEvent, reportEvent } from "./scripted-agents.ts";
import { watchFixture } from "./watch-fixture.ts";

const never = new AbortController().signal;

describe("watch() of the lifecycle", () => {
  it("begins with the job as it is, goes on live, and ends with the whole job", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    expect(watcher.told).toEqual(["1 queued"]);
    const no = await fixture.start();
    await fixture.fail(no);
    expect(await watcher.ended).toBeNull();
    expect(watcher.told).toEqual(["1 queued", "3 running", "4 failed with job"]);
    expect(watcher.events.at(-1)?.data).toMatchObject({ job: { id: fixture.jobId, error: { message: "It broke" } } });
  });

  it("tells a finished job in one event", async () => {
    await using fixture = await watchFixture();
    await fixture.fail(await fixture.start());
    const watcher = fixture.watch();
    expect(await watcher.ended).toBeNull();
    expect(watcher.told).toEqual(["4 failed with job"]);
  });

  it("replays exactly what came after the last event id", async () => {
    await using fixture = await watchFixture();
    const no = await fixture.start();
    for (
      const [lastEventId, expected] of [["1", ["3 running"]], ["2", ["3 running"]], ["3", []], ["3.17", []]] as const
    ) {
      const watcher = fixture.watch({ lastEventId });
      await settle();
      expect(watcher.told, lastEventId).toEqual(expected);
      watcher.stop();
    }
    await fixture.fail(no);
    const late = fixture.watch({ lastEventId: "1" });
    await late.ended;
    expect(late.told).toEqual(["3 running", "4 failed with job"]);
    const nothing = fixture.watch({ lastEventId: "4" });
    expect(await nothing.ended).toBeNull();
    expect(nothing.told).toEqual([]);
  });

  it("loses and repeats nothing when a stream is cut and resumed at any event", async () => {
    await using fixture = await watchFixture();
    const whole = fixture.watch();
    await settle();
    const watchers = [fixture.watch({ lastEventId: "1" })];
    const no = await fixture.start();
    watchers.push(fixture.watch({ lastEventId: "3" }));
    await fixture.lose(no);
    watchers.push(fixture.watch({ lastEventId: "4" }));
    await fixture.fail(await fixture.start());
    await Promise.all([whole.ended, ...watchers.map((watcher) => watcher.ended)]);
    expect(whole.told).toEqual(["1 queued", "3 running", "4 queued", "6 running", "7 failed with job"]);
    expect(watchers.map((watcher) => watcher.told)).toEqual([1, 2, 3].map((from) => whole.told.slice(from)));
    expect(whole.events[2]?.data).toMatchObject({ reason: "pod_lost", attempt: 1 });
  });

  it("takes an id that is none of its own for no id", async () => {
    await using fixture = await watchFixture();
    for (const lastEventId of ["99", "x", "-1", "1.2.3", ""]) {
      const watcher = fixture.watch({ lastEventId });
      await settle();
      expect(watcher.told, lastEventId).toEqual(["1 queued"]);
      watcher.stop();
    }
  });

  it("answers an unknown job and another tenant's alike", async () => {
    await using fixture = await watchFixture();
    expect(await fixture.watch({ jobId: jobId(9) }).ended).toMatchObject({ code: "not_found" });
    expect(await fixture.watch({ caller: fixture.stranger }).ended).toMatchObject({ code: "not_found" });
  });

  it("joins no feed, and opens no stream anew, for whoever does not own the job", async () => {
    await using fixture = await watchFixture();
    const { store } = fixture.testStore;
    const lists = vi.spyOn(store, "listEvents");
    await fixture.watch({ jobId: jobId(9), previews: true }).ended;
    await fixture.watch({ caller: fixture.stranger, previews: true }).ended;
    expect(lists).not.toHaveBeenCalled();
    fixture.watch();
    await fixture.start();
    await fixture.watch({ caller: fixture.stranger, previews: true }).ended;
    await settle();
    expect(fixture.agents.streams).toMatchObject([{ previews: false, open: true }]);
  });

  it("leaves out nothing that happens between the look at the job and the joining of its feed", async () => {
    await using fixture = await watchFixture();
    const { store } = fixture.testStore;
    const first = fixture.watch();
    await settle();
    const { getJob } = store;
    store.getJob = async (id) => {
      store.getJob = getJob;
      const row = await getJob(id);
      await fixture.start();
      return row;
    };
    const second = fixture.watch();
    await expect.poll(() => second.told).toEqual(["3 running"]);
    expect(first.told).toEqual(["1 queued", "3 running"]);
  });

  it("finds out within a poll what no hint told of", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    await fixture.testStore.store.cancelJob({ tenantId: fixture.caller.tenantId, jobId: fixture.jobId });
    await settle();
    expect(watcher.isOver()).toBe(false);
    await fixture.clock.advance(1_000);
    expect(watcher.told).toEqual(["1 queued", "2 canceled with job"]);
  });

  it("ends at once when its signal aborts, and leaves nothing running", async () => {
    await using fixture = await watchFixture();
    await fixture.start();
    const watcher = fixture.watch();
    await settle();
    expect(fixture.agents.open()).toHaveLength(1);
    watcher.stop();
    await settle();
    expect(watcher.isOver()).toBe(true);
    expect(fixture.agents.open()).toHaveLength(0);
    expect(fixture.clock.sleeping()).toBe(0);
  });

  it("survives the store's troubles", async () => {
    await using fixture = await watchFixture();
    const { store } = fixture.testStore;
    const { listEvents } = store;
    const watcher = fixture.watch();
    await settle();
    store.listEvents = () => Promise.reject(new Error("database is gone"));
    const no = await fixture.start();
    const second = fixture.watch();
    await fixture.clock.advance(10_000);
    expect([watcher.isOver(), second.isOver()]).toEqual([false, false]);
    store.listEvents = listEvents;
    await fixture.clock.advance(6_000);
    await fixture.fail(no);
    await fixture.clock.advance(6_000);
    expect(watcher.told).toEqual(["1 queued", "3 running", "4 failed with job"]);
    expect(second.told.at(-1)).toBe("4 failed with job");
  });
});

describe("watch() of a running attempt", () => {
  it("starts again under the next attempt when one is lost, and drops what the lost one still says", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await settle();
    const first = await fixture.start();
    const [lost] = fixture.agents.open();
    lost?.send(progressEvent(0.7));
    await fixture.clock.advance(200);
    await fixture.lose(first);
    expect(fixture.agents.open()).toHaveLength(0);
    lost?.send(progressEvent(0.9));
    await fixture.start();
    fixture.agents.open()[0]?.send(reportEvent("running", 0.1));
    await fixture.clock.advance(200);
    expect(watcher.told).toEqual(["1 queued", "3 running", "3.1 1:0.7", "4 queued", "6 running", "6.2 2:0.1"]);
  });

  it("keeps trying a pod that cannot be reached, backing off, while the lifecycle goes on", async () => {
    await using fixture = await watchFixture();
    const { agents, clock } = fixture;
    agents.unreachable = true;
    const watcher = fixture.watch();
    const no = await fixture.start();
    await clock.advance(60_000);
    expect(agents.streams.length).toBeGreaterThan(5);
    expect(agents.streams.length).toBeLessThan(30);
    agents.unreachable = false;
    await clock.advance(5_000);
    agents.open()[0]?.send(progressEvent(0.5));
    await settle();
    expect(watcher.told.at(-1)).toBe("3.1 1:0.5");
    agents.open()[0]?.cut(new Error("the pod cannot be reached"));
    await fixture.fail(no);
    expect(await watcher.ended).toBeNull();
    expect(watcher.told.at(-1)).toBe("4 failed with job");
  });

  it("names the pod and the attempt whose stream is cut", async () => {
    const logger = recordingLogger();
    await using fixture = await watchFixture({ logger });
    const { agents, clock, testStore } = fixture;
    fixture.watch();
    await fixture.start();
    agents.open()[0]?.cut(new Error("the pod is gone"));
    await clock.advance(100);
    const [attempt] = await testStore.store.listAttempts(fixture.jobId);
    const error = expect.objectContaining({ message: "the pod is gone" });
    expect(logger.lines).toEqual([
      ["debug", "attempt stream cut", { attempt: attempt?.id, pod: attempt?.podId, error }],
    ]);
  });

  it("does not open the stream of an attempt again that has said its last word", async () => {
    await using fixture = await watchFixture();
    fixture.watch();
    await fixture.start();
    fixture.agents.open()[0]?.send(reportEvent("succeeded", 1));
    await fixture.clock.advance(60_000);
    expect(fixture.agents.streams).toHaveLength(1);
  });

  it("never tells that an attempt went backwards", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await fixture.start();
    for (const value of [0.2, 0.6, 0.4, 0.8]) {
      fixture.agents.open()[0]?.send(progressEvent(value));
      await fixture.clock.advance(200);
    }
    expect(watcher.told.filter((one) => one.includes(":"))).toEqual(["3.1 1:0.2", "3.2 1:0.6", "3.3 1:0.8"]);
  });

  it("keeps the last progress for whoever asks for the job", async () => {
    await using fixture = await watchFixture();
    fixture.watch();
    await fixture.start();
    fixture.agents.open()[0]?.send(progressEvent(0.3));
    await settle();
    expect((await fixture.jobs.get(fixture.caller, { jobId: fixture.jobId, waitMs: 0 }, never)).progress?.value).toBe(
      0.3,
    );
  });
});
