import { describe, expect, it } from "vitest";
import type { Tracked } from "../../../../contracts/edge/ports.ts";
import type { JobEvent } from "../../../../contracts/event.ts";
import { jobRow } from "./job-row.ts";
import { settle } from "./manual-clock.ts";
import { previewEvent, progressEvent } from "./scripted-agents.ts";
import { watchFixture } from "./watch-fixture.ts";

describe("watch() by many", () => {
  it("shares one stream to the pod among 500 watchers, and closes it with the last", async () => {
    await using fixture = await watchFixture();
    const no = await fixture.start();
    const watchers = Array.from({ length: 500 }, () => fixture.watch());
    await settle();
    expect(fixture.agents.streams).toHaveLength(1);
    fixture.agents.open()[0]?.send(progressEvent(0.5));
    await settle();
    expect(watchers.every((watcher) => watcher.told.at(-1) === "3.1 1:0.5")).toBe(true);
    // Made once, not once for each.
    expect(new Set(watchers.map((watcher) => watcher.events.at(-1)?.data)).size).toBe(1);
    for (const watcher of watchers.slice(1)) watcher.stop();
    await settle();
    expect(fixture.agents.open()).toHaveLength(1);
    await fixture.fail(no);
    expect(await watchers[0]?.ended).toBeNull();
    expect(fixture.agents.open()).toHaveLength(0);
  });

  it("reads the store once a poll, however many watch", async () => {
    await using fixture = await watchFixture();
    Array.from({ length: 50 }, () => fixture.watch());
    await settle();
    const { store } = fixture.testStore;
    const { listEvents } = store;
    let reads = 0;
    store.listEvents = (...args) => {
      reads += 1;
      return listEvents(...args);
    };
    await fixture.clock.advance(10_000);
    expect(reads).toBe(10);
  });

  it("tells at most five progress events a second, always the newest", async () => {
    await using fixture = await watchFixture();
    const watcher = fixture.watch();
    await fixture.start();
    for (let step = 1; step <= 100; step++) {
      fixture.agents.open()[0]?.send(progressEvent(step / 100));
      await fixture.clock.advance(10);
    }
    const values = watcher.told.filter((one) => one.includes(":")).map((one) => Number(one.split(":")[1]));
    expect(values.length).toBeGreaterThanOrEqual(4);
    expect(values.length).toBeLessThanOrEqual(6);
    await fixture.clock.advance(200);
    expect(watcher.told.at(-1)).toMatch(/ 1:1$/);
  });

  it("gives previews to those who asked, and asks the pod for them only then", async () => {
    await using fixture = await watchFixture();
    const plain = fixture.watch();
    await settle();
    await fixture.start();
    expect(fixture.agents.open().map((stream) => stream.previews)).toEqual([false]);
    const curious = fixture.watch({ previews: true });
    await settle();
    expect(fixture.agents.open().map((stream) => stream.previews)).toEqual([true]);
    fixture.agents.open()[0]?.send(previewEvent);
    await settle();
    expect(curious.told.at(-1)).toMatch(/^3\.\d+ preview$/);
    expect(plain.told).toEqual(["1 queued", "3 running"]);
  });

  it("holds up nobody for a watcher that does not read, and tells it every change when it does", async () => {
    await using fixture = await watchFixture();
    const idle = fixture.jobs.watch(
      fixture.caller,
      { jobId: fixture.jobId, previews: true },
      new AbortController().signal,
    )
      [Symbol.asyncIterator]();
    const told: Tracked<JobEvent>[] = [];
    const readOne = async () => {
      const { value, done } = await idle.next();
      if (!done) told.push(value);
      return !done;
    };
    await readOne();
    const quick = fixture.watch();
    await settle();
    // More lifecycle events than are kept for one watcher.
    for (let round = 0; round < 40; round++) {
      const no = await fixture.start();
      fixture.agents.open()[0]?.send(progressEvent(0.5));
      await fixture.testStore.store.loseAttempt({
        jobId: fixture.jobId,
        no,
        reason: "pod_lost",
        countLoss: false,
        retryInMs: 0,
        maxLosses: 100,
      });
      fixture.signals.emit("job", jobRow({ id: fixture.jobId }));
      await settle();
    }
    await fixture.jobs.cancel(fixture.caller, fixture.jobId);
    expect(await quick.ended).toBeNull();
    while (await readOne());
    const statuses = (events: Tracked<JobEvent>[]) =>
      events.filter((one) => one.data.type === "status").map((one) => one.id);
    expect(statuses(told)).toEqual(statuses(quick.events));
    expect(told.at(-1)?.data).toMatchObject({ state: "canceled" });
  });
});
