import { describe, expect, it } from "vitest";
import { createRecentBytes, ENTRY_BYTES } from "../../../contracts/recent-bytes.ts";

const bytes = (length: number) => new Uint8Array(length).fill(length);

describe("createRecentBytes()", () => {
  it("keeps what is small, until newer ones need the room", () => {
    const recent = createRecentBytes({ maxFileBytes: 4, maxBytes: 3 * ENTRY_BYTES + 10 });
    for (const size of [4, 3, 2]) recent.keep(`${size}`, bytes(size));
    recent.keep("5", bytes(5));
    expect(recent.get("5")).toBeNull();
    expect(["4", "3", "2"].map((key) => recent.get(key)?.length)).toEqual([4, 3, 2]);
    recent.keep("1", bytes(1));
    expect(["4", "3", "2", "1"].map((key) => recent.get(key)?.length)).toEqual([undefined, 3, 2, 1]);
  });

  it("keeps a bounded number of the smallest ones", () => {
    const recent = createRecentBytes({ maxFileBytes: 4, maxBytes: 10 * ENTRY_BYTES });
    const keys = Array.from({ length: 1_000 }, (_, at) => `${at}`);
    for (const key of keys) recent.keep(key, bytes(0));
    expect(keys.filter((key) => recent.get(key) !== null)).toEqual(keys.slice(-10));
  });

  it("counts what is kept again, and what is dropped, once", () => {
    const recent = createRecentBytes({ maxFileBytes: 4, maxBytes: 2 * ENTRY_BYTES + 8 });
    for (let time = 0; time < 5; time++) recent.keep("same", bytes(4));
    recent.keep("other", bytes(4));
    expect(recent.get("same")).toEqual(bytes(4));
    recent.drop("same");
    recent.drop("same");
    recent.keep("third", bytes(4));
    expect(recent.get("same")).toBeNull();
    expect([recent.get("other"), recent.get("third")]).toEqual([bytes(4), bytes(4)]);
  });
});
