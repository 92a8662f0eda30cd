import { describe, expect, it } from "vitest";
import { FileName } from "../../../../contracts/asset.ts";
import { MAX_INLINE_BYTES } from "../../../../contracts/bounds.ts";
import {
  assetFileName,
  type Collected,
  collectOutputs,
  type FinishedAttempt,
} from "../../../../proxy/attempts/collect.ts";
import { ATTEMPT_TIMINGS } from "../../../../proxy/attempts/timings.ts";
import type { Agents } from "../../../../proxy/pods/port.ts";
import { createMemoryBlobs } from "../../../support/memory-blobs.ts";
import { attemptId, jobId, podId, tenantId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { sha256 } from "../store/samples.ts";

describe("assetFileName()", () => {
  it.each([
    ["a.png", "a.png"],
    ["folder/sub/b.png", "b.png"],
    ["..\\evil\\c.png", "c.png"],
    ["tab\there.png", "tabhere.png"],
    ["..", "output-3"],
    ["", "output-3"],
    [`${"x".repeat(300)}.png`, `${"x".repeat(251)}.png`],
  ])("makes %j fit for an asset", (name, expected) => {
    expect(assetFileName(name, 3)).toBe(expected);
    expect(FileName.safeParse(assetFileName(name, 3)).success).toBe(true);
  });
});

describe("collectOutputs()", () => {
  function attemptWith(texts: string[]): FinishedAttempt {
    const outputs = texts.map((text, index) => ({
      index,
      nodeId: "1",
      name: `${index}.txt`,
      contentType: "text/plain",
      sizeBytes: text.length,
      sha256: sha256(text),
      temporary: true,
    }));
    return {
      podId: podId(1),
      attemptId: attemptId(1),
      jobId: jobId(1),
      tenantId: tenantId(1),
      outputs,
    };
  }

  function setUp(texts: string[]) {
    const state = { open: 0, most: 0, asked: 0 };
    const fetch = async (_pod: string, path: string) => {
      state.open += 1;
      state.asked += 1;
      state.most = Math.max(state.most, state.open);
      await new Promise((resolve) => setTimeout(resolve, 2));
      state.open -= 1;
      return new Response(texts[Number(path.split("/").at(-1))]);
    };
    const agents = { fetch } as unknown as Agents;
    const options = { agents, blobs: createMemoryBlobs(), clock: createManualClock(), timings: ATTEMPT_TIMINGS };
    return { state, options };
  }

  it("fetches at most four at once, and all of them", async () => {
    const texts = Array.from({ length: 9 }, (_, index) => `text ${index}`);
    const { state, options } = setUp(texts);
    const { outputs, assets } = await collectOutputs(options, attemptWith(texts), new AbortController().signal);
    expect(state.most).toBe(4);
    expect(options.blobs.blobs.size).toBe(9);
    expect(assets.length).toBe(9);
    expect(outputs.every((output) => output.type === "text" && output.temporary)).toBe(true);
  });

  it("does not take stored bytes for an output that is reported with another size", async () => {
    const { options } = setUp(["text"]);
    const signal = new AbortController().signal;
    await collectOutputs(options, attemptWith(["text"]), signal);
    const lying = attemptWith(["text"]);
    lying.outputs = lying.outputs.map((output) => ({ ...output, sizeBytes: 3 }));
    await expect(collectOutputs(options, lying, signal)).rejects.toMatchObject({ code: "output_missing" });
  });

  it("fetches bytes anew that are stored with another size than reported", async () => {
    const { options } = setUp(["text"]);
    const attempt = attemptWith(["text"]);
    const key = `${attempt.tenantId} ${sha256("text")}`;
    options.blobs.blobs.set(key, new Uint8Array(2));
    await collectOutputs(options, attempt, new AbortController().signal);
    expect(options.blobs.blobs.get(key)?.byteLength).toBe(4);
  });

  it("refuses a report that gives the same bytes two sizes, before it fetches anything", async () => {
    const { options } = setUp(["text", "text"]);
    const attempt = attemptWith(["text", "text"]);
    attempt.outputs = attempt.outputs.map((output, index) => ({ ...output, sizeBytes: 4 + index }));
    const collecting = collectOutputs(options, attempt, new AbortController().signal);
    await expect(collecting).rejects.toMatchObject({ code: "output_missing", message: expect.stringContaining("two") });
    expect(options.blobs.blobs.size).toBe(0);
  });

  it("refuses to name bytes that were removed while the others were fetched for hours", async () => {
    const { options } = setUp(["first", "second"]);
    const { blobs } = options;
    const put = blobs.put;
    blobs.put = async (tenantId, body, how) => {
      const blob = await put(tenantId, body, how);
      blobs.blobs.delete(`${tenantId} ${sha256("first")}`);
      options.clock.skip(3_600_000);
      return blob;
    };
    const collecting = collectOutputs(options, attemptWith(["first", "second"]), new AbortController().signal);
    await expect(collecting).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("gone again"),
    });
  });

  it("asks for nothing of an output that is stored", async () => {
    const { options, state } = setUp(["text"]);
    await collectOutputs(options, attemptWith(["text"]), new AbortController().signal);
    await collectOutputs(options, attemptWith(["text"]), new AbortController().signal);
    for (let turn = 0; turn < 5; turn++) await options.clock.advance(5_000);
    expect(state.asked).toBe(1);
  });

  describe("of small outputs that came with the report", () => {
    const inline = (text: string) => Buffer.from(text).toString("base64");

    /** What the assets came with, as text. */
    const textsOf = ({ assets }: Collected) =>
      assets.map(({ bytes }) => bytes === undefined ? null : new TextDecoder().decode(bytes));

    it("gives them to their assets without asking for them, and has no blob of them", async () => {
      const { options, state } = setUp(["first", "second"]);
      const attempt = attemptWith(["first", "second"]);
      attempt.outputs = attempt.outputs.map((one, index) =>
        index === 0 ? { ...one, dataBase64: inline("first") } : one
      );
      for (let round = 1; round <= 2; round++) {
        const collected = await collectOutputs(options, attempt, new AbortController().signal);
        expect(collected.outputs.map((output) => "dataBase64" in output)).toEqual([false, false]);
        expect(textsOf(collected)).toEqual(["first", null]);
        expect([...options.blobs.blobs.keys()]).toEqual([`${attempt.tenantId} ${sha256("second")}`]);
        expect(state.asked).toBe(1);
      }
    });

    it("gives them to an asset also where equal ones are stored", async () => {
      const { options } = setUp(["text"]);
      await collectOutputs(options, attemptWith(["text"]), new AbortController().signal);
      const attempt = attemptWith(["text"]);
      attempt.outputs = attempt.outputs.map((one) => ({ ...one, dataBase64: inline("text") }));
      expect(textsOf(await collectOutputs(options, attempt, new AbortController().signal))).toEqual(["text"]);
    });

    it("does not look for them in the folder, however long the others took", async () => {
      const { options } = setUp(["first", "second"]);
      const { blobs } = options;
      const { put } = blobs;
      blobs.put = (tenantId, body, how) => {
        options.clock.skip(3_600_000);
        return put(tenantId, body, how);
      };
      const attempt = attemptWith(["first", "second"]);
      attempt.outputs = attempt.outputs.map((one, at) => at === 0 ? { ...one, dataBase64: inline("first") } : one);
      const collected = await collectOutputs(options, attempt, new AbortController().signal);
      expect(textsOf(collected)).toEqual(["first", null]);
    });

    it("asks for those that are others than reported", async () => {
      const { options, state } = setUp(["text"]);
      const attempt = attemptWith(["text"]);
      for (const dataBase64 of [inline("tex"), inline("texts"), inline("tezt"), "", "!!!!"]) {
        options.blobs.blobs.clear();
        attempt.outputs = attempt.outputs.map((one) => ({ ...one, dataBase64 }));
        expect(textsOf(await collectOutputs(options, attempt, new AbortController().signal))).toEqual([null]);
        expect(options.blobs.blobs.size).toBe(1);
      }
      expect(state.asked).toBe(5);
    });

    it("asks for none of equal bytes, whichever of them they came with", async () => {
      const { options, state } = setUp(["text", "text"]);
      for (const along of [0, 1]) {
        options.blobs.blobs.clear();
        const attempt = attemptWith(["text", "text"]);
        attempt.outputs = attempt.outputs.map((one, at) => at === along ? { ...one, dataBase64: inline("text") } : one);
        const collected = await collectOutputs(options, attempt, new AbortController().signal);
        expect(textsOf(collected)).toEqual(["text", "text"]);
      }
      expect(state.asked).toBe(0);
    });

    it("takes no more of them than the contract says", async () => {
      const texts = ["a", "b", "c"].map((letter) => letter.repeat(MAX_INLINE_BYTES / 2));
      const { options, state } = setUp(texts);
      const attempt = attemptWith(texts);
      attempt.outputs = attempt.outputs.map((one, at) => ({ ...one, dataBase64: inline(texts[at] ?? "") }));
      const collected = await collectOutputs(options, attempt, new AbortController().signal);
      expect(textsOf(collected).map((text) => text?.length)).toEqual([32_768, 32_768, undefined]);
      expect([state.asked, options.blobs.blobs.size]).toEqual([1, 1]);
    });
  });

  it("takes an output without bytes", async () => {
    const { options } = setUp([""]);
    await collectOutputs(options, attemptWith([""]), new AbortController().signal);
    expect(options.blobs.blobs.size).toBe(1);
  });

  it("ends with the caller's abort", async () => {
    const { options } = setUp(["text"]);
    const reason = new DOMException("The edge is stopping", "AbortError");
    await expect(collectOutputs(options, attemptWith(["text"]), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
