import { describe, expect, it } from "vitest";
import { createObjectInfoCache } from "../../../../proxy/jobs/object-info-cache.ts";
import type { PodBody } from "../../../../proxy/store/pod-store.ts";
import { bodyWith } from "./graph-fixtures.ts";
import { podId } from "./ids.ts";
import { silentLogger } from "./silent-logger.ts";

function fakeStore(bodies: Map<string, string>) {
  const reads: string[] = [];
  return {
    reads,
    getObjectInfo: (sha256: string) => {
      reads.push(sha256);
      return Promise.resolve(bodies.get(sha256) ?? null);
    },
    listPodBodies: (): Promise<PodBody[]> =>
      Promise.resolve([...bodies.keys()].map((sha256, index) => ({ podId: podId(index), objectInfoSha256: sha256 }))),
  };
}

describe("createObjectInfoCache()", () => {
  it("reads a body once, also when asked twice at the same time", async () => {
    const store = fakeStore(new Map([["a", bodyWith()]]));
    const cache = createObjectInfoCache({ store, logger: silentLogger });
    const [first, second] = await Promise.all([cache.get("a"), cache.get("a")]);
    expect(second).toBe(first);
    expect(await cache.get("a")).toBe(first);
    expect(store.reads).toEqual(["a"]);
  });

  it("asks again for a body that the store does not have yet", async () => {
    const bodies = new Map<string, string>();
    const cache = createObjectInfoCache({ store: fakeStore(bodies), logger: silentLogger });
    expect(await cache.get("a")).toBeNull();
    bodies.set("a", "{}");
    expect(await cache.get("a")).toBeInstanceOf(Map);
  });

  it("asks again after a failed read", async () => {
    const store = fakeStore(new Map([["a", "{}"]]));
    const working = store.getObjectInfo;
    store.getObjectInfo = () => Promise.reject(new Error("database is gone"));
    const cache = createObjectInfoCache({ store, logger: silentLogger });
    await expect(cache.get("a")).rejects.toThrow("gone");
    store.getObjectInfo = working;
    expect(await cache.get("a")).toBeInstanceOf(Map);
  });

  it("keeps the bodies used last, as many as are spare", async () => {
    const store = fakeStore(new Map(["a", "b", "c"].map((name) => [name, "{}"])));
    const cache = createObjectInfoCache({ store, logger: silentLogger, spare: 2 });
    for (const name of ["a", "b", "a", "c", "a", "b"]) await cache.get(name);
    expect(store.reads).toEqual(["a", "b", "c", "b"]);
  });

  it("knows every body of the fleet, each once, however many there are and however long ago they were told", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `body-${String(index).padStart(2, "0")}`);
    const store = fakeStore(new Map(names.map((name) => [name, "{}"])));
    const pods = [...names, "body-00", null].toReversed();
    store.listPodBodies = () =>
      Promise.resolve(pods.map((objectInfoSha256, index) => ({ podId: podId(index), objectInfoSha256 })));
    const cache = createObjectInfoCache({ store, logger: silentLogger, spare: 1 });
    for (let time = 0; time < 2; time += 1) expect((await cache.known()).map((one) => one.sha256)).toEqual(names);
    expect(store.reads.toSorted()).toEqual(names);
  });

  it("leaves out of the known bodies what cannot be read, without reading it again", async () => {
    const store = fakeStore(new Map([["broken", "<html>"], ["good", bodyWith()]]));
    const cache = createObjectInfoCache({ store, logger: silentLogger });
    for (let time = 0; time < 2; time += 1) {
      expect(await cache.known()).toEqual([{ sha256: "good", info: await cache.get("good") }]);
    }
    expect(store.reads).toEqual(["broken", "good"]);
  });
});
