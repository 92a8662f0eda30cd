import { describe, expect, it } from "vitest";
import { toTimestamp } from "../../../../contracts/ids.ts";
import type { PodChange } from "../../../../contracts/pod.ts";
import { createPodsWatch } from "../../../../proxy/pods/watch-pods.ts";
import { createPodsService } from "../../../../proxy/pods/service.ts";
import { pathCondition } from "../../../../proxy/tailnet/path-condition.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newBootId, newEdgeId, sampleObservation, sha256 } from "../store/samples.ts";

async function setUp() {
  const db = await memoryStore();
  const podId = await db.addPod(sha256("body"));
  const signals = createSignals();
  const clock = createManualClock();
  const store = { reads: 0, failing: false };
  const listActivePods = () => {
    store.reads += 1;
    return store.failing ? Promise.reject(new Error("away")) : db.store.listActivePods();
  };
  const watch = createPodsWatch({ store: { listActivePods }, signals, clock, logger: silentLogger });
  const stop = new AbortController();
  const seen: string[] = [];
  const text = (change: PodChange) => {
    if (change.type !== "pod") return change.type;
    return `${change.pod.phase}${change.pod.cordon ? " cordoned" : ""}`;
  };
  const watching = (async () => {
    for await (const change of watch(stop.signal)) seen.push(text(change));
  })();
  const pods = createPodsService({ store: db.store, signals });
  return { db, podId, signals, clock, store, watch, stop, seen, watching, pods };
}

describe("createPodsWatch()", () => {
  it("gives every pod, then what changes: at a hint soon, without one within a second", async () => {
    const { db, podId, clock, stop, seen, watching, pods } = await setUp();
    await clock.advance(0);
    expect(seen).toEqual(["ready", "synced"]);
    await pods.cordon({ podId, reason: "" });
    await clock.advance(100);
    expect(seen).toEqual(["ready", "synced", "ready cordoned"]);
    await db.store.setCordon({ podId, cordon: "none", reason: "" });
    await clock.advance(1_100);
    expect(seen.at(-1)).toBe("ready");
    const taken = await db.store.takePod({ podId, edgeId: newEdgeId(), leaseMs: 1 });
    expect(taken).toBeNull();
    await db.store.recordSilence({ podId, epoch: 1, leaseMs: 1, phase: "gone", conditions: [] });
    await clock.advance(1_100);
    expect(seen.at(-1)).toBe("gone");
    stop.abort();
    await watching;
    await db.store.close();
  });

  it("tells nothing of a beat that brought no news, and reads once for all who watch", async () => {
    const { db, podId, clock, stop, store, seen, watching, watch } = await setUp();
    const others = Array.from({ length: 20 }, async () => {
      for await (const _ of watch(stop.signal)) { /* only looks */ }
    });
    await clock.advance(0);
    expect(store.reads).toBe(1);
    db.time.nowMs += 5_000;
    const bootId = (await db.store.getPod(podId))?.bootId ?? newBootId();
    const observed = { ...sampleObservation(sha256("body")), bootId };
    expect(await db.store.recordBeat({ podId, epoch: 1, leaseMs: 1, observed })).toBe(true);
    await clock.advance(2_500);
    expect(seen).toEqual(["ready", "synced"]);
    stop.abort();
    await Promise.all([watching, ...others]);
    await db.store.close();
  });

  it("tells nothing of a path that is slower or faster than before, and something when it is another kind", async () => {
    const { db, podId, clock, stop, seen, watching } = await setUp();
    const bootId = (await db.store.getPod(podId))?.bootId ?? newBootId();
    const since = toTimestamp(db.time.nowMs);
    const sample = { ...sampleObservation(sha256("body")), bootId };
    async function beat(latencyMs: number, kind: "direct" | "relay" = "direct"): Promise<number> {
      const change = pathCondition({ kind, relay: null, latencyMs });
      const observed = { ...sample, conditions: [...sample.conditions, { ...change, since }] };
      expect(await db.store.recordBeat({ podId, epoch: 1, leaseMs: 1, observed })).toBe(true);
      await clock.advance(1_200);
      return seen.length;
    }
    await clock.advance(0);
    expect([await beat(1), await beat(60), await beat(3), await beat(3, "relay")]).toEqual([3, 3, 3, 4]);
    stop.abort();
    await watching;
    await db.store.close();
  });

  it("goes on when the store is away for a while, and takes no pod for gone meanwhile", async () => {
    const { db, podId, clock, stop, store, seen, watching, pods } = await setUp();
    await clock.advance(0);
    store.failing = true;
    await clock.advance(3_000);
    expect(seen).toEqual(["ready", "synced"]);
    store.failing = false;
    await pods.drain({ podId, reason: "" });
    await clock.advance(1_100);
    expect(seen).toEqual(["ready", "synced", "ready cordoned"]);
    stop.abort();
    await watching;
    await db.store.close();
  });
});
