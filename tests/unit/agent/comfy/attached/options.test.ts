import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { attachedContext } from "../../../../../agent/comfy/attached/options.ts";
import { createGenerationJournal } from "../../../../../agent/comfy/generation-journal.ts";
import { createSilentLogger } from "../../../../support/comfy/silent-logger.ts";

function baseUrlOf(baseUrl: string, allowRemote = false): string {
  const journal = createGenerationJournal(new DatabaseSync(":memory:"));
  const randomUuid = () => crypto.randomUUID();
  return attachedContext({ baseUrl, allowRemote, journal, logger: createSilentLogger(), randomUuid }).baseUrl;
}

describe("attachedContext()", () => {
  it("takes http on loopback", () => {
    expect(["http://127.0.0.1:8188/", "http://localhost:8188", "http://[::1]:8188"].map((url) => baseUrlOf(url)))
      .toEqual(["http://127.0.0.1:8188", "http://localhost:8188", "http://[::1]:8188"]);
  });

  it("refuses another host unless it is allowed explicitly", () => {
    expect(() => baseUrlOf("http://10.0.0.5:8188")).toThrow("it is not on this machine");
    expect(() => baseUrlOf("http://127.0.0.1.example.org:8188")).toThrow("it is not on this machine");
    expect(baseUrlOf("https://gpu.example.org/comfy/", true)).toBe("https://gpu.example.org/comfy");
  });

  it("refuses what is no http address", () => {
    for (const url of ["127.0.0.1:8188", "ftp://127.0.0.1", "http://user@127.0.0.1:8188", "http://127.0.0.1/?a=1"]) {
      expect(() => baseUrlOf(url), url).toThrow("it is no http address");
    }
  });
});
