import { describe, expect, it } from "vitest";
import { settle } from "../jobs/manual-clock.ts";
import { eventsFixture } from "./events-fixture.ts";

describe("events.watch after jobs were removed", () => {
  it("says that events are missing when some after the id have been removed with their jobs, to those whose events they were", async () => {
    await using f = await eventsFixture();
    const whole = [f.watch(), f.watch({ caller: f.other }), f.watch({ caller: f.admin, allTenants: true })];
    await settle();
    await f.submit("theirs", f.other.tenantId);
    const ids = { a: await f.submit("a"), b: await f.submit("b") };
    await f.run(ids.a);
    await f.run(ids.b);
    f.testStore.time.nowMs += 31 * 86_400_000;
    await f.submit("c");
    await settle();
    expect(await f.store.removeExpired(10)).toMatchObject({ jobs: 2 });
    const [mine = [], others = [], all = []] = whole.map((one) => one.events.map(({ id }) => id));
    const resumed = async (lastEventId: string | undefined, choice = {}) => {
      const one = f.watch({ lastEventId, ...choice });
      await settle();
      one.stop();
      return { told: one.told(), id: one.events.at(-1)?.id };
    };
    expect(whole[0]?.told()).toEqual([
      "ready",
      "a queued",
      "b queued",
      "a running",
      "a failed",
      "b running",
      "b failed",
      "c queued",
    ]);
    for (const id of mine.slice(0, 6)) expect(await resumed(id)).toEqual({ told: ["missed"], id: mine.at(-1) });
    expect(await resumed(mine[6])).toMatchObject({ told: ["c queued"] });
    expect(await resumed(mine[7])).toMatchObject({ told: [] });
    for (const id of others) expect((await resumed(id, { caller: f.other })).told).not.toContain("missed");
    const ofAll = { caller: f.admin, allTenants: true };
    expect(await resumed(all[2], ofAll)).toMatchObject({ told: ["missed"] });
    expect(await resumed(all.at(-2), ofAll)).toMatchObject({ told: ["c queued"] });
  });

  it("says so too to one who reads on when some are removed before it came to them", async () => {
    await using f = await eventsFixture();
    await f.run(await f.submit("a"));
    f.testStore.time.nowMs += 31 * 86_400_000;
    await f.submit("b");
    const { listFeed } = f.store;
    f.read.listFeed = async (input) => {
      await f.store.removeExpired(10);
      return await listFeed(input);
    };
    const one = f.watch({ lastEventId: "1" });
    await settle();
    await f.submit("c");
    await settle();
    expect(one.told()).toEqual(["missed", "c queued"]);
  });
});
