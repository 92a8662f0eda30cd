// A partner key on its way through an agent: to ComfyUI once, and into nothing that stays.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StartAttempt } from "../../../../contracts/attempt.ts";
import { newOrder, ServiceBench, SUCCEEDED } from "./service-bench.ts";

const KEY = "comfyui-0123456789abcdef";
const partnerKey = KEY;
const hang = () => new Promise<never>(() => undefined);

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

/** Bytes of every file of the agent, the journal and its log ahead of it included. */
function filesSay(text: string): string[] {
  const entries = readdirSync(bench.folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.some((path) => path.endsWith("journal.db"))).toBe(true);
  return files.filter((path) => readFileSync(path).includes(text));
}

describe("a partner key", () => {
  it("goes to ComfyUI with its prompt, and with no other", async () => {
    const { promptId } = await bench.accept({ partnerKey });
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.clock.advance(1_000);
    await bench.accept();
    expect(bench.comfy.submitted.map((prompt) => prompt.partnerKey)).toEqual([KEY, null]);
  });

  it("is in no file and no report, from the order to the release", async () => {
    const { attemptId, promptId } = await bench.accept({ partnerKey });
    expect(filesSay(KEY)).toEqual([]);
    expect(filesSay(attemptId).length).toBeGreaterThan(0);
    bench.comfy.finish(promptId, SUCCEEDED);
    const report = await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
    expect(JSON.stringify([report, bench.ended])).not.toContain(KEY);
    await bench.service.release([attemptId]);
    expect(filesSay(KEY)).toEqual([]);
  });

  it("is taken out of an error that a node makes of it", async () => {
    const { attemptId, promptId } = await bench.accept({ partnerKey });
    const error = { code: "execution_failed", message: `Cannot run node 1: 401 for ${KEY}`, nodeId: "1" } as const;
    bench.comfy.finish(promptId, { status: "failed", error });
    const report = await bench.reportWhen(attemptId, ({ state }) => state === "failed");
    expect(report.error).toEqual({ ...error, message: "Cannot run node 1: 401 for [redacted]" });
    expect(filesSay(KEY)).toEqual([]);
    expect(filesSay("401 for [redacted]").length).toBeGreaterThan(0);
  });

  it("is taken out of a text that a node shows, and of a refusal in part", async () => {
    const first = await bench.accept({ partnerKey });
    const texts = [{ nodeId: "2", text: `used ${KEY}` }];
    bench.comfy.finish(first.promptId, { status: "succeeded", files: [], texts, cachedNodes: [] });
    const report = await bench.reportWhen(first.attemptId, ({ state }) => state === "succeeded");
    expect(report.outputs).toHaveLength(1);
    bench.comfy.submission = () => ({
      status: "taken_in_part",
      error: { code: "invalid_workflow", message: `bad value ${KEY}` },
    });
    await bench.accept({ partnerKey });
    expect(filesSay(KEY)).toEqual([]);
    expect(filesSay("used [redacted]").length).toBeGreaterThan(0);
    expect(filesSay("bad value [redacted]").length).toBeGreaterThan(0);
  });

  it("is taken out of log lines for as long as the attempt is held, and for those that come late", async () => {
    const { attemptId, promptId } = await bench.accept({ partnerKey });
    const keys = bench.partnerKeys;
    expect(keys.redactLine(`${KEY} refused`)).toBe("[redacted] refused");
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
    expect(keys.redactJson(JSON.stringify({ error: KEY }))).toBe('{"error":"[redacted]"}');
    await bench.service.release([attemptId]);
    await bench.clock.advance(59_000);
    expect(keys.redactLine(KEY)).toBe("[redacted]");
    await bench.clock.advance(1_000);
    expect(keys.redactLine(KEY)).toBe(KEY);
  });
});

describe("an agent that is started anew", () => {
  const isLost = async (attemptId: StartAttempt["attemptId"]) => {
    await bench.clock.advance(10_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
  };

  it("gives up what it has not posted, and posts nothing", async () => {
    bench.comfy.submission = hang;
    const { attemptId } = await bench.accept({ partnerKey });
    bench.comfy.submission = () => ({ status: "accepted" });
    bench.restart();
    await isLost(attemptId);
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it("gives up what waits behind another attempt once its turn comes", async () => {
    const first = await bench.accept();
    const order = newOrder({ partnerKey, after: first.attemptId });
    await bench.service.start(order);
    bench.restart();
    expect(await bench.service.get(order.attemptId)).toMatchObject({ state: "accepted" });
    bench.comfy.finish(first.promptId, SUCCEEDED);
    await bench.reportWhen(first.attemptId, ({ state }) => state === "succeeded");
    await isLost(order.attemptId);
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it("follows what ComfyUI has with its key", async () => {
    bench.comfy.submission = hang;
    const { attemptId, promptId } = await bench.accept({ partnerKey });
    bench.comfy.lookups.set(promptId, { status: "running" });
    bench.restart();
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it("cancels rather than loses what was to be canceled", async () => {
    bench.comfy.submission = hang;
    const { attemptId } = await bench.accept({ partnerKey });
    await bench.service.cancel(attemptId);
    bench.restart();
    await bench.clock.advance(10_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "canceled" });
  });
});
