// The agent's attempts, with a real agent process and the stand-in as its ComfyUI.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { AttemptEvent } from "../../../contracts/attempt.ts";
import { AgentProcess } from "./agent-process.ts";
import {
  finalReport,
  imageGraph,
  inputOf,
  invertGraph,
  newAttemptId,
  order,
  reportWhen,
  sha256Of,
  slowGraph,
  textGraph,
} from "./orders.ts";

const PICTURE = readFileSync(new URL("../../fixtures/comfy/inputs/gradient.png", import.meta.url));

describe("attempts", () => {
  let agent: AgentProcess;
  beforeAll(async () => {
    agent = await (await new AgentProcess().start()).ready();
  });
  afterAll(async () => await agent[Symbol.asyncDispose]());

  it("start() runs a graph, and its outputs are there with their hashes until released", async () => {
    const start = order(imageGraph("folder/picture"));
    expect(await agent.client.attempts.start.mutate(start)).toEqual({ status: "accepted" });
    const report = await finalReport(agent, start.attemptId);
    expect(report).toMatchObject({ state: "succeeded", error: null, cached: false, progress: { value: 1 } });
    expect(
      report.outputs.map(({ index, nodeId, name, contentType, temporary }) => ({
        index,
        nodeId,
        name,
        contentType,
        temporary,
      })),
    ).toEqual([
      { index: 0, nodeId: "2", name: "picture_00001_.png", contentType: "image/png", temporary: false },
      { index: 1, nodeId: "2", name: "picture_00002_.png", contentType: "image/png", temporary: false },
    ]);
    const path = `/attempts/${start.attemptId}/outputs/0`;
    const bytes = new Uint8Array(await (await agent.fetch(path)).arrayBuffer());
    expect(sha256Of(bytes)).toBe(report.outputs[0]?.sha256);
    expect(bytes.length).toBe(report.outputs[0]?.sizeBytes);
    expect(decode(bytes)).toMatchObject({ width: 16, height: 16 });

    await agent.client.attempts.release.mutate({ attemptId: start.attemptId });
    expect((await agent.fetch(path)).status).toBe(404);
    await expect(agent.client.attempts.get.query({ attemptId: start.attemptId })).rejects.toMatchObject({
      data: { fleet: { code: "not_found" } },
    });
    await expect(agent.client.attempts.start.mutate(start)).rejects.toMatchObject({
      data: { fleet: { code: "conflict" } },
    });
    // Cleaned up after the answer.
    await vi.waitFor(() => {
      expect(readdirSync(join(agent.stateDir, "comfy/output"))).not.toContain(start.attemptId);
      expect(readdirSync(join(agent.stateDir, "attempts")).filter((name) => name.startsWith(start.attemptId))).toEqual(
        [],
      );
    }, 5_000);
  });

  it("start() asks for the inputs it lacks, and runs once they are put", async () => {
    const input = inputOf(PICTURE, "My Picture.PNG");
    const start = order(invertGraph(input.assetId), { inputs: [input] });
    expect(await agent.client.attempts.start.mutate(start)).toEqual({
      status: "missing_input",
      hashes: [input.sha256],
    });
    const put = await agent.fetch(`/inputs/${input.sha256}`, { method: "PUT", body: PICTURE });
    expect(put.status).toBe(201);
    expect(await agent.client.attempts.start.mutate(start)).toEqual({ status: "accepted" });
    const report = await finalReport(agent, start.attemptId);
    expect(report).toMatchObject({ state: "succeeded", outputs: [{ name: "inverted_00001_.png" }] });
    const bytes = await (await agent.fetch(`/attempts/${start.attemptId}/outputs/0`)).arrayBuffer();
    const before = decode(PICTURE);
    const after = decode(new Uint8Array(bytes));
    expect(after.data[0]).toBe(255 - Number(before.data[0]));
  });

  it("start() is idempotent by attempt id", async () => {
    const start = order(imageGraph());
    const before = agent.promptsTaken();
    await Promise.all([agent.client.attempts.start.mutate(start), agent.client.attempts.start.mutate(start)]);
    await finalReport(agent, start.attemptId);
    expect(await agent.client.attempts.start.mutate(start)).toEqual({ status: "accepted" });
    expect(agent.promptsTaken()).toBe(before + 1);
  });

  it("outputs of texts are text/plain files", async () => {
    const start = order(textGraph());
    await agent.client.attempts.start.mutate(start);
    const report = await finalReport(agent, start.attemptId);
    expect(report.state).toBe("succeeded");
    const preview = report.outputs.find((output) => output.nodeId === "2");
    expect(preview).toMatchObject({ name: "text-2.txt", contentType: "text/plain" });
    const text = await (await agent.fetch(`/attempts/${start.attemptId}/outputs/${preview?.index}`)).text();
    expect(text).toMatch(/^hello \d+$/);
  });

  it("watch() yields the snapshot first, progress that never falls, and ends after the final report", async () => {
    const start = order(slowGraph(60));
    await agent.client.attempts.start.mutate(start);
    const events: AttemptEvent[] = [];
    const stream = agent.client.attempts.watch.subscribe({ attemptId: start.attemptId });
    for await (const event of stream) events.push(event);
    expect(events[0]).toMatchObject({ type: "report" });
    expect(events.at(-1)).toMatchObject({ type: "report", report: { state: "succeeded", progress: { value: 1 } } });
    const values = events.flatMap((event) => (event.type === "progress" ? [event.progress.value] : []));
    expect(values.length).toBeGreaterThan(0);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  });

  it("watch() refuses an unknown attempt", async () => {
    const stream = agent.client.attempts.watch.subscribe({ attemptId: newAttemptId() });
    const read = async () => {
      for await (const event of stream) void event;
    };
    await expect(read()).rejects.toMatchObject({ data: { fleet: { code: "not_found" } } });
  });

  it("cancel() ends a running attempt, and only it", async () => {
    const start = order(slowGraph(2_000));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    expect(await agent.client.attempts.cancel.mutate({ attemptId: start.attemptId })).toMatchObject({
      cancelRequested: true,
    });
    const report = await finalReport(agent, start.attemptId);
    expect(report).toMatchObject({ state: "canceled", error: null, outputs: [] });
    expect(report.progress?.value).toBeLessThan(1);
  });

  it("start() with `after` runs when the slot frees, and may be withdrawn until then", async () => {
    const first = order(slowGraph(100));
    const second = order(imageGraph(), { after: first.attemptId });
    await agent.client.attempts.start.mutate(first);
    await expect(agent.client.attempts.start.mutate(order(imageGraph()))).rejects.toMatchObject({
      data: { fleet: { code: "slot_busy" } },
    });
    const withdrawn = order(imageGraph(), { after: first.attemptId });
    await agent.client.attempts.start.mutate(withdrawn);
    expect(await agent.client.attempts.withdraw.mutate({ attemptId: withdrawn.attemptId })).toMatchObject({
      state: "canceled",
    });
    await agent.client.attempts.start.mutate(second);
    expect(await agent.client.attempts.get.query({ attemptId: second.attemptId })).toMatchObject({ state: "accepted" });
    await expect(agent.client.attempts.withdraw.mutate({ attemptId: first.attemptId })).rejects.toMatchObject({
      data: { fleet: { code: "conflict" } },
    });
    expect(await finalReport(agent, second.attemptId)).toMatchObject({ state: "succeeded" });
    expect(await finalReport(agent, first.attemptId)).toMatchObject({ state: "succeeded" });
  });

  it("start() ends as failed what ComfyUI refuses, with the node to blame", async () => {
    const start = order({ "1": { class_type: "NoSuchClass", inputs: {} } });
    await agent.client.attempts.start.mutate(start);
    expect(await finalReport(agent, start.attemptId)).toMatchObject({
      state: "failed",
      startedAt: null,
      error: { code: "invalid_workflow" },
    });
  });

  it("start() ends as failed what ComfyUI takes a part of, and the next one runs", async () => {
    const wrong = { class_type: "SaveImage", inputs: { filename_prefix: "without images" } };
    const start = order({ ...slowGraph(300), "9": wrong });
    await agent.client.attempts.start.mutate(start);
    expect(await finalReport(agent, start.attemptId)).toMatchObject({
      state: "failed",
      outputs: [],
      error: { code: "invalid_workflow", nodeId: "9" },
    });
    const next = order(imageGraph());
    await agent.client.attempts.start.mutate(next);
    expect(await finalReport(agent, next.attemptId)).toMatchObject({ state: "succeeded" });
  });

  it("start() refuses a path that leaves its folder", async () => {
    await expect(agent.client.attempts.start.mutate(order(imageGraph("../outside")))).rejects.toMatchObject({
      data: { fleet: { code: "invalid_workflow" } },
    });
  });
});
