import { describe, expect, it } from "vitest";
import { Pod } from "../../../../contracts/pod.ts";
import { registerStaticPods } from "../../../../proxy/pods/registry.ts";
import { createPodsService } from "../../../../proxy/pods/service.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newPodId } from "../store/samples.ts";

const ENTRY = { name: "gpu-1", url: "http://127.0.0.1:8189", secret: "a secret" };

describe("registerStaticPods()", () => {
  it("keeps the id of a name it knows, at whatever address", async () => {
    await using db = await memoryStore();
    const first = await registerStaticPods(db.store, [ENTRY]);
    const again = await registerStaticPods(db.store, [{ ...ENTRY, url: "http://127.0.0.1:9" }, {
      ...ENTRY,
      name: "gpu-2",
    }]);
    expect(again.rows[0]?.id).toBe(first.rows[0]?.id);
    expect(again.rows[1]?.id).not.toBe(first.rows[0]?.id);
    expect([...again.targets.values()].map(({ url }) => url)).toEqual(["http://127.0.0.1:9", "http://127.0.0.1:8189"]);
  });
});

describe("createPodsService()", () => {
  it("lists and gets pods in the contract's shape, without their way", async () => {
    await using db = await memoryStore();
    await registerStaticPods(db.store, [ENTRY]);
    const service = createPodsService(db.store);
    const { items } = await service.list({ limit: 10 });
    expect(items.map((pod) => Pod.parse(pod).name)).toEqual(["gpu-1"]);
    expect(items[0]).toMatchObject({
      phase: "joining",
      lastSeenAt: null,
      createdAt: new Date(1_000_000).toISOString(),
    });
    expect(JSON.stringify(items)).not.toContain("127.0.0.1");
    expect(await service.get(items[0]?.id ?? newPodId())).toEqual(items[0]);
  });

  it("answers an unknown id with not_found", async () => {
    await using db = await memoryStore();
    await expect(createPodsService(db.store).get(newPodId())).rejects.toMatchObject({ code: "not_found" });
  });
});
