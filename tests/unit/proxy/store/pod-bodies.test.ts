import { describe, expect, it } from "vitest";
import type { PodPhase } from "../../../../contracts/pod.ts";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { run } from "../../../../proxy/store/transaction.ts";
import { memoryStore } from "./memory-store.ts";
import { newPodId, sampleObservation, sha256 } from "./samples.ts";

const HOUR_MS = 3_600_000;

describe("/object_info bodies in the store", () => {
  it("listPodBodies() says what pods that are neither gone nor lost last told", async () => {
    await using t = await memoryStore();
    const ids = [await t.addPod("a"), await t.addPod("a"), await t.addPod(null)];
    for (const phase of ["gone", "lost"] as PodPhase[]) {
      const podId = await t.addPod("old");
      await t.store.recordSilence({ podId, epoch: 1, leaseMs: 1, phase, conditions: [] });
    }
    const bodies = await t.store.listPodBodies();
    expect(bodies.map(({ podId }) => podId)).toEqual(ids.toSorted());
    expect(new Map(bodies.map((body) => [body.podId, body.objectInfoSha256]))).toEqual(
      new Map(ids.map((id, index) => [id, index < 2 ? "a" : null])),
    );
  });

  it("putObjectInfo() drops what no pod has and nobody has seen for an hour", async () => {
    await using t = await memoryStore();
    for (const name of ["named", "gone", "seen", "unused"]) await t.store.putObjectInfo({ sha256: name, body: "{}" });
    await t.addPod("named");
    const gone = await t.addPod("gone");
    await t.store.recordSilence({ podId: gone, epoch: 1, leaseMs: 1, phase: "gone", conditions: [] });
    t.time.nowMs += HOUR_MS;
    await t.store.putObjectInfo({ sha256: "young", body: "{}" });
    expect(await t.store.getObjectInfo("unused")).toBe("{}");
    expect(await t.store.seeObjectInfo("seen")).toBe(true);
    t.time.nowMs += 1;
    await t.store.putObjectInfo({ sha256: "new", body: "{}" });
    const kept = await Promise.all(
      ["named", "gone", "seen", "unused", "young", "new"].map(async (
        name,
      ) => [name, await t.store.seeObjectInfo(name)]),
    );
    expect(Object.fromEntries(kept)).toEqual({
      named: true,
      gone: false,
      seen: true,
      unused: false,
      young: true,
      new: true,
    });
  });

  it("listPodBodies() knows the pods of a store from before it had the column", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: () => 1 });
    await migrate(driver, MIGRATIONS.slice(0, 1));
    const [hash, podId] = [sha256("body"), newPodId()];
    await driver.write(function* () {
      yield* run("insert into object_info values ($1, '{}', 1), ('other', '{}', 1)", [hash]);
      const { capability } = sampleObservation(hash);
      yield* run(
        `insert into pod (id, name, transport_key, phase, epoch, lease_until_ms, slots_total, slots_busy, capability,
          conditions, created_at_ms) values ($1, 'a', 'a', 'ready', 1, 1, 1, 0, $2, '[]', 1)`,
        [podId, JSON.stringify(capability)],
      );
    });
    await migrate(driver, MIGRATIONS);
    const store = createStore(driver);
    expect(await store.listPodBodies()).toEqual([{ podId, objectInfoSha256: hash }]);
    await store.close();
  });
});
