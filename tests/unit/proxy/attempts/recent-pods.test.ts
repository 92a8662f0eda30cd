import { describe, expect, it } from "vitest";
import { createRecentPods } from "../../../../proxy/attempts/recent-pods.ts";
import { podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { memoryStore } from "../store/memory-store.ts";

describe("createRecentPods()", () => {
  it("asks the store once a second at most, and anew for a pod that it does not know", async () => {
    await using test = await memoryStore();
    const { store } = test;
    const clock = createManualClock();
    let reads = 0;
    const recent = createRecentPods({
      clock,
      store: {
        getPod: (id) => {
          reads += 1;
          return store.getPod(id);
        },
      },
    });
    const id = podId(1);
    expect(await recent.get(id)).toBe(null);
    await store.registerPod({ id, name: "a", transportKey: "a" });
    expect(await recent.get(id)).toMatchObject({ name: "a" });
    expect(await recent.get(id)).toMatchObject({ name: "a" });
    expect(reads).toBe(2);
    await clock.advance(1_000);
    await recent.get(id);
    expect(reads).toBe(3);
  });
});
