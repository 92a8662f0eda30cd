import { describe, expect, it } from "vitest";
import { createPeerWatch } from "../../../../proxy/tailnet/peer-watch.ts";
import { createManualClock, settle } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { createScriptedDaemon, nodeOf, statusOf, unansweredUntil } from "./scripted-daemon.ts";

const A = { id: 2, host: "a" };
const B = { id: 3, host: "b" };

function setUp() {
  const daemon = createScriptedDaemon();
  daemon.status = statusOf([A, B]);
  const clock = createManualClock();
  const watch = createPeerWatch({ api: daemon.api, clock, logger: silentLogger });
  const stop = new AbortController();
  const heard: { seen: string[]; left: string[] }[] = [];
  watch.subscribe(({ seen, left }) => {
    heard.push({ seen: seen.map(({ stableId }) => stableId), left: left.map(({ stableId }) => stableId) });
  });
  const done = watch.run(stop.signal);
  return {
    daemon,
    clock,
    watch,
    heard,
    ids: () => watch.all().map(({ stableId }) => stableId).toSorted(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

describe("createPeerWatch()", () => {
  it("tells of the first picture, then of what changes", async () => {
    await using side = setUp();
    expect(side.watch.isSynced()).toBe(false);
    await settle();
    expect(side.watch.isSynced()).toBe(true);
    side.daemon.say({ PeersRemoved: [2] });
    await settle();
    expect(side.heard).toEqual([{ seen: ["n2", "n3"], left: [] }, { seen: [], left: ["n2"] }]);
  });

  it("takes nobody away when the bus ends, the daemon is away or starts; then it compares with the new picture", async () => {
    await using side = setUp();
    await settle();
    side.daemon.down = true;
    side.daemon.cut();
    await side.clock.advance(120_000);
    expect(side.ids()).toEqual(["n2", "n3"]);
    expect(side.watch.isConnected()).toBe(false);
    side.daemon.down = false;
    side.daemon.status = statusOf([], { BackendState: "Starting" });
    await side.clock.advance(10_000);
    expect(side.watch.isConnected()).toBe(true);
    expect(side.ids()).toEqual(["n2", "n3"]);
    side.daemon.say({ SelfChange: { ID: 1 }, PeersChanged: [nodeOf(B)] });
    await settle();
    expect(side.ids()).toEqual(["n3"]);
  });

  it("opens the bus less and less often, up to every 5 s", async () => {
    await using side = setUp();
    await settle();
    side.daemon.down = true;
    side.daemon.cut(new Error("read ECONNRESET"));
    await side.clock.advance(60_000);
    expect(side.daemon.opened).toBeGreaterThan(12);
    expect(side.daemon.opened).toBeLessThan(35);
  });

  it("opens one that ends after every first line less and less often too", async () => {
    await using side = setUp();
    await settle();
    for (let cuts = 0; cuts < 200; cuts += 1) {
      side.daemon.cut(new Error("a line of another shape"));
      await side.clock.advance(300);
    }
    expect(side.daemon.opened).toBeLessThan(35);
  });

  it("opens one anew that says nothing at all for 5 s, and waits for ever for the next line of one that did", async () => {
    await using side = setUp();
    await settle();
    await side.clock.advance(50_000);
    expect(side.daemon.opened).toBe(1);
    const { watchBus } = side.daemon.api;
    side.daemon.api.watchBus = async function* (signal) {
      side.daemon.api.watchBus = watchBus;
      yield await unansweredUntil(signal);
    };
    side.daemon.cut();
    await side.clock.advance(4_000);
    expect(side.daemon.opened).toBe(1);
    await side.clock.advance(2_000);
    expect(side.daemon.opened).toBe(2);
    expect(side.watch.isConnected()).toBe(true);
  });

  it("opens it again at once when it was too slow a reader, and takes what it missed from the first line", async () => {
    await using side = setUp();
    await settle();
    side.daemon.status = statusOf([B]);
    side.daemon.say({ ErrMessage: "IPN bus consumer fell behind; closing watch" });
    await side.clock.advance(200);
    expect(side.ids()).toEqual(["n3"]);
  });

  it("asks the status before it believes that everybody has left", async () => {
    await using side = setUp();
    await settle();
    side.daemon.say({ SelfChange: { ID: 1 } });
    await settle();
    expect(side.ids()).toEqual(["n2", "n3"]);
    side.daemon.status = statusOf([]);
    side.daemon.say({ SelfChange: { ID: 1 } });
    await settle();
    expect(side.ids()).toEqual([]);
  });

  it("compares with the status every minute, and asks again when a line came meanwhile", async () => {
    await using side = setUp();
    await settle();
    side.daemon.status = statusOf([B]);
    const { status } = side.daemon.api;
    side.daemon.api.status = async (...args) => {
      const answer = await status(...args);
      if (side.daemon.statusCalls === 1) {
        side.daemon.say({ PeersChanged: [nodeOf({ id: 9, host: "new" })] });
        await settle();
        side.daemon.status = statusOf([B, { id: 9, host: "new" }]);
      }
      return answer;
    };
    await side.clock.advance(61_000);
    await settle();
    expect(side.daemon.statusCalls).toBe(2);
    expect(side.ids()).toEqual(["n3", "n9"]);
  });
});
