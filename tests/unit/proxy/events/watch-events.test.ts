import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetEvent } from "../../../../contracts/fleet-event.ts";
import { settle } from "../jobs/manual-clock.ts";
import { eventsFixture, type Watched } from "./events-fixture.ts";

const never = new AbortController().signal;

describe("events.watch", () => {
  it("begins with ready, and then tells every transition of the tenant's jobs and of no other's", async () => {
    await using f = await eventsFixture();
    await f.submit("before");
    const watched = [f.watch(), f.watch({ caller: f.other }), f.watch({ caller: f.admin, allTenants: true })];
    await settle();
    const a = await f.submit("a");
    await f.submit("theirs", f.other.tenantId);
    await f.run(a);
    expect(watched.map((one) => one.told())).toEqual([
      ["ready", "a queued", "a running", "a failed"],
      ["ready", "theirs queued"],
      ["ready", "a queued", "theirs queued", "a running", "a failed"],
    ]);
    const last = watched[0]?.events.at(-1);
    expect(FleetEvent.parse(last?.data)).toEqual(last?.data);
    expect(last?.data).toMatchObject({
      tenantId: f.caller.tenantId,
      jobId: a,
      ver: 4,
      attempt: 1,
      reason: "execution_failed",
    });
  });

  it("shows an administrator the own tenant unless all are asked for, and refuses all to everybody else", async () => {
    await using f = await eventsFixture();
    const own = f.watch({ caller: f.admin });
    await settle();
    await f.submit("theirs", f.other.tenantId);
    await f.submit("mine");
    await settle();
    expect(own.told()).toEqual(["ready", "mine queued"]);
    expect(await f.watch({ allTenants: true }).ended).toMatchObject({ code: "forbidden", hint: expect.any(String) });
  });

  it("loses and repeats nothing when a stream is cut at any event and opened again", async () => {
    await using f = await eventsFixture();
    const whole = f.watch();
    await settle();
    for (const name of ["a", "b"]) await f.run(await f.submit(name));
    const resumed = whole.events.map(({ id }) => f.watch({ lastEventId: id }));
    await settle();
    await f.run(await f.submit("c"));
    expect(whole.told()).toHaveLength(10);
    resumed.forEach((one, at) => expect(one.told(), `from ${at}`).toEqual(whole.told().slice(at + 1)));
  });

  it("says that events may be missing for an id that is none of its own", async () => {
    await using f = await eventsFixture();
    await f.submit("a");
    for (const lastEventId of ["99999999", "x", "-1", "1.2", " 1"]) {
      const one = f.watch({ lastEventId });
      await settle();
      expect(one.told(), lastEventId).toEqual(["missed"]);
      one.stop();
    }
    const fresh = f.watch({ lastEventId: "" });
    await settle();
    expect(fresh.told()).toEqual(["ready"]);
  });

  it("finds out within a poll what no hint told of", async () => {
    await using f = await eventsFixture();
    const one = f.watch();
    await settle();
    await f.submitQuietly("a");
    await settle();
    expect(one.told()).toEqual(["ready"]);
    await f.clock.advance(1_000);
    expect(one.told()).toEqual(["ready", "a queued"]);
  });

  it("tells a reader who falls far behind everything, once", async () => {
    await using f = await eventsFixture();
    const reader = f.events.watch(f.caller, { allTenants: false }, never)[Symbol.asyncIterator]();
    const ids: string[] = [];
    const told: string[] = [];
    const submit = async (count: number) => {
      for (let made = 0; made < count; made++) ids.push(await f.submit(`${ids.length}`));
      await settle();
    };
    const read = async (count: number) => {
      for (let taken = 0; taken < count; taken++) {
        const { value } = await reader.next();
        if (value?.data.type === "status") told.push(value.data.jobId);
      }
    };
    await read(1);
    for (let times = 0; times < 3; times++) {
      await submit(1);
      await read(1);
    }
    for (let burst = 0; burst < 14; burst++) await submit(50);
    await read(300);
    // These reach its queue while it reads the store, which has them too.
    await submit(40);
    await read(440);
    expect(told).toEqual(ids);
    await submit(1);
    await read(1);
    expect(told).toEqual(ids);
    await reader.return?.(undefined);
  });

  it("misses nothing that is committed between a watcher's look at the store and the feed's", async () => {
    let looks = 0;
    const answered: (() => void)[] = [];
    await using f = await eventsFixture();
    const { lastEventSeq } = f.store;
    f.read.lastEventSeq = async () => {
      looks += 1;
      // The feed asks first; its answer is the later one.
      if (looks === 1) await new Promise<void>((resolve) => answered.push(resolve));
      return await lastEventSeq();
    };
    const one = f.watch();
    await settle();
    expect(one.told()).toEqual(["ready"]);
    await f.submitQuietly("between");
    answered.forEach((answer) => answer());
    await settle();
    expect(one.told()).toEqual(["ready", "between queued"]);
  });

  it("survives the store's troubles", async () => {
    await using f = await eventsFixture();
    const { listFeed } = f.store;
    const one = f.watch();
    await settle();
    f.read.listFeed = () => Promise.reject(new Error("database is gone"));
    await f.submit("a");
    const second = f.watch();
    await f.clock.advance(10_000);
    expect([one.isOver(), second.isOver()]).toEqual([false, false]);
    f.read.listFeed = listFeed;
    await f.clock.advance(6_000);
    expect(one.told()).toEqual(["ready", "a queued"]);
    await f.submit("b");
    await settle();
    expect([one, second].map((each) => each.told().at(-1))).toEqual(["b queued", "b queued"]);
  });

  it("ends when its signal aborts, and leaves nothing running after the last watcher", async () => {
    await using f = await eventsFixture();
    const watched = [f.watch(), f.watch({ caller: f.admin, allTenants: true })];
    await settle();
    for (const one of watched) one.stop();
    await settle();
    expect(watched.map((one) => one.isOver())).toEqual([true, true]);
    expect(await Promise.all(watched.map((one) => one.ended))).toEqual([null, null]);
    expect(f.clock.sleeping()).toBe(0);
    const again = f.watch();
    await settle();
    await f.submit("a");
    await settle();
    expect(again.told()).toEqual(["ready", "a queued"]);
  });

  it("tells each of many watchers everything once, whenever they are cut", async () => {
    const step = fc.constantFrom("submit", "submit", "quietly", "cut", "wait", "settle");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        await using f = await eventsFixture();
        const seen: string[] = [];
        let lastEventId: string | undefined;
        const note = (one: Watched) => {
          seen.push(...one.told());
          lastEventId = one.events.at(-1)?.id ?? lastEventId;
        };
        let current = f.watch();
        await settle();
        const expected = ["ready"];
        for (const [at, what] of steps.entries()) {
          if (what === "submit" || what === "quietly") {
            await (what === "submit" ? f.submit(`${at}`) : f.submitQuietly(`${at}`));
            expected.push(`${at} queued`);
          } else if (what === "cut") {
            current.stop();
            await current.ended;
            note(current);
            current = f.watch({ lastEventId });
          } else if (what === "wait") await f.clock.advance(300);
          else await settle();
        }
        await f.clock.advance(2_000);
        note(current);
        expect(seen).toEqual(expected);
      }),
      { numRuns: 40, seed: 7 },
    );
  });
});
