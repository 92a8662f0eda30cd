import { describe, expect, it } from "vitest";
import { isForeign } from "../../../../fake-comfy/http/origin-guard.ts";

describe("isForeign()", () => {
  it.each([
    [{}, false],
    [{ "sec-fetch-site": "cross-site" }, true],
    [{ "sec-fetch-site": "same-origin" }, false],
    [{ host: "127.0.0.1:8188", origin: "http://127.0.0.1:8188" }, false],
    [{ host: "127.0.0.1:8188", origin: "http://127.0.0.1:3000" }, true],
    [{ host: "localhost:8188", origin: "http://evil.example" }, true],
    [{ host: "pod.internal:8188", origin: "http://evil.example" }, false],
  ] as [Record<string, string>, boolean][])("isForeign(%j) is %s", (headers, foreign) => {
    expect(isForeign((name) => headers[name])).toBe(foreign);
  });
});
