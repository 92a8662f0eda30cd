import { describe, expect, it } from "vitest";
import { createObjectInfoCache } from "../../../../proxy/jobs/object-info-cache.ts";
import { bodyWith } from "./graph-fixtures.ts";
import { silentLogger } from "./silent-logger.ts";

function fakeStore(bodies: Map<string, string>) {
  const reads: string[] = [];
  return {
    reads,
    getObjectInfo: (sha256: string) => {
      reads.push(sha256);
      return Promise.resolve(bodies.get(sha256) ?? null);
    },
    listObjectInfo: (limit: number) => Promise.resolve([...bodies.keys()].slice(0, limit)),
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

  it("keeps the bodies used last, up to its capacity", async () => {
    const store = fakeStore(new Map(["a", "b", "c"].map((name) => [name, "{}"])));
    const cache = createObjectInfoCache({ store, logger: silentLogger, capacity: 2 });
    for (const name of ["a", "b", "a", "c", "a", "b"]) await cache.get(name);
    expect(store.reads).toEqual(["a", "b", "c", "b"]);
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
