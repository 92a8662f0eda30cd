// Partner keys that are words of ours or of other callers: any text is one, so that none may change what others read.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

describe("a partner key that is a word", () => {
  it("leaves the code of an error, so that edge and journal can read it", async () => {
    const { attemptId, promptId } = await bench.accept({ partnerKey: "execution_failed" });
    bench.comfy.finish(promptId, {
      status: "failed",
      error: { code: "execution_failed", message: "no: execution_failed", nodeId: "1" },
    });
    await bench.reportWhen(attemptId, ({ state }) => state === "failed");
    bench.restart();
    expect((await bench.service.get(attemptId)).error)
      .toEqual({ code: "execution_failed", message: "no: [redacted]", nodeId: "1" });
  });

  it("leaves what other attempts of the pod say", async () => {
    const first = await bench.accept({ partnerKey: "the quick" });
    bench.comfy.finish(first.promptId, SUCCEEDED);
    await bench.reportWhen(first.attemptId, ({ state }) => state === "succeeded");
    const { attemptId, promptId } = await bench.accept({ partnerKey: "another key" });
    const texts = [{ nodeId: "2", text: "the quick brown fox" }];
    bench.comfy.finish(promptId, { status: "succeeded", files: [], texts, cachedNodes: [] });
    const report = await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
    expect(report.outputs[0]?.sizeBytes).toBe("the quick brown fox".length);
  });
});
