// The messages of a run: their exact order and shape, who gets them, and how each ending looks.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failingGraph, imageGraph, slowGraph } from "./graphs.ts";
import { capture, type Frame } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import { cancel, filesOf, getJob, post, settle, submit, waitForEnd, waitForStatus } from "./wire.ts";

/** Frames of the slow node that take about half a second. */
const STEPS = 2_000;

/** A frame with times replaced, so that it can be compared whole. */
function timeless({ type, data }: Frame): Frame {
  return { type, data: "timestamp" in data ? { ...data, timestamp: 0 } : data };
}

export function describeRunEvents(target: Target): void {
  const started = async () => {
    await settle(target.server());
    return await capture(target.server());
  };

  describe("run events", () => {
    it("a run sends start, cached, each node, its output, success, and executing null as the last", async () => {
      const client = await started();
      const id = await submit(target.server(), imageGraph({ prefix: "events/one" }), { client_id: client.clientId });
      await client.waitForEnd(id);
      const state = (nodes: Record<string, "running" | "finished">): Frame => ({
        type: "progress_state",
        data: {
          prompt_id: id,
          nodes: Object.fromEntries(
            Object.entries(nodes).map(([node, state]) => [node, {
              value: state === "finished" ? 1 : 0,
              max: 1,
              state,
              node_id: node,
              prompt_id: id,
              display_node_id: node,
              parent_node_id: null,
              real_node_id: node,
            }]),
          ),
        },
      });
      const executing = (node: string): Frame => ({
        type: "executing",
        data: { node, display_node: node, prompt_id: id },
      });
      const own = client.frames.filter(({ data }) => data.prompt_id === id).map(timeless);
      expect(own).toEqual([
        { type: "execution_start", data: { prompt_id: id, timestamp: 0 } },
        { type: "execution_cached", data: { nodes: [], prompt_id: id, timestamp: 0 } },
        state({ "1": "running" }),
        executing("1"),
        state({ "1": "finished" }),
        state({ "1": "finished", "2": "running" }),
        executing("2"),
        {
          type: "executed",
          data: {
            node: "2",
            display_node: "2",
            output: { images: [{ filename: "one_00001_.png", subfolder: "events", type: "output" }] },
            prompt_id: id,
          },
        },
        state({ "1": "finished", "2": "finished" }),
        { type: "execution_success", data: { prompt_id: id, timestamp: 0 } },
        { type: "executing", data: { node: null, prompt_id: id } },
      ]);
      // Besides: put and get each tell the queue, and so does the end, just before the last message.
      const statuses = client.frames.slice(1).filter(({ type }) => type === "status");
      expect(statuses.map(({ data }) => z.looseObject({ exec_info: z.unknown() }).parse(data.status).exec_info))
        .toEqual([
          { queue_remaining: 1 },
          { queue_remaining: 1 },
          { queue_remaining: 0 },
        ]);
      expect(client.frames.slice(-2).map(({ type }) => type)).toEqual(["status", "executing"]);
      expect((await getJob(target.server(), id))?.status).toBe("completed");
      await client.close();
    });

    it("a run for a client is told to that client only", async () => {
      const [owner, other] = [await started(), await started()];
      const id = await submit(target.server(), slowGraph(20), { client_id: owner.clientId });
      await owner.waitForEnd(id);
      expect(other.typesOf(id)).toEqual([]);
      await Promise.all([owner.close(), other.close()]);
    });

    it("a run without a client tells everybody its progress, and nobody its start, outputs or end", async () => {
      const client = await started();
      const id = await submit(target.server(), slowGraph(20));
      await waitForEnd(target.server(), id);
      await client.waitFor(({ type, data }) => type === "progress_state" && "5" in nodesOf(data), "the last node");
      expect(new Set(client.typesOf(id))).toEqual(new Set(["progress_state", "progress"]));
      await client.close();
    });

    it("a run without a client tells everybody that it was interrupted, and nobody that it failed", async () => {
      const client = await started();
      const failing = await submit(target.server(), failingGraph());
      const id = await submit(target.server(), slowGraph());
      await client.waitFor(({ type, data }) => type === "progress" && data.prompt_id === id, "progress");
      await cancel(target.server(), id);
      await client.waitFor(({ type }) => type === "execution_interrupted", "the interruption");
      expect(client.typesOf(failing, "progress_state")).toEqual([]);
      expect(client.typesOf(id, "progress_state", "progress")).toEqual(["execution_interrupted"]);
      await client.close();
    });

    it("a rerun of the same graph runs nothing and names the same file again", async () => {
      const client = await started();
      const graph = imageGraph({ prefix: "events/again" });
      const first = await submit(target.server(), graph, { client_id: client.clientId });
      await client.waitForEnd(first);
      const second = await submit(target.server(), graph, { client_id: client.clientId });
      await client.waitForEnd(second);
      expect(client.typesOf(second)).toEqual([
        "execution_start",
        "execution_cached",
        "executed",
        "progress_state",
        "execution_success",
        "executing",
      ]);
      const frame = (type: string, id: string) =>
        client.frames.find((each) => each.type === type && each.data.prompt_id === id)?.data;
      expect(z.array(z.string()).parse(frame("execution_cached", second)?.nodes).toSorted()).toEqual(["1", "2"]);
      expect(frame("executed", second)?.output).toEqual(frame("executed", first)?.output);
      const job = await waitForEnd(target.server(), second);
      expect(filesOf(job, "2").map(({ filename }) => filename)).toEqual(["again_00001_.png"]);
      await client.close();
    });

    it("a changed last node runs again while the ones before it come from the cache", async () => {
      const client = await started();
      const graph = imageGraph();
      await client.waitForEnd(await submit(target.server(), graph, { client_id: client.clientId }));
      const changed = imageGraph({ color: z.number().parse(graph["1"]?.inputs.color), prefix: "events/changed" });
      const id = await submit(target.server(), changed, { client_id: client.clientId });
      await client.waitForEnd(id);
      const cached = client.frames.find(({ type, data }) => type === "execution_cached" && data.prompt_id === id);
      expect(cached?.data.nodes).toEqual(["1"]);
      await client.close();
    });

    it("a slow node reports whole steps that grow up to its maximum", async () => {
      const client = await started();
      const id = await submit(target.server(), slowGraph(STEPS), { client_id: client.clientId });
      await client.waitForEnd(id);
      const steps = client.frames.filter(({ type }) => type === "progress");
      expect(steps.every(({ data }) => data.node === "3" && data.max === STEPS && data.prompt_id === id)).toBe(true);
      const values = steps.map(({ data }) => z.int().parse(data.value));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
      expect([values[0], values.at(-1)]).toEqual([1, STEPS]);
      expect(values.length).toBeGreaterThanOrEqual(3);
      // At most one report in 100 ms besides the first and the last.
      expect(values.length).toBeLessThan(100);
      const states = client.frames.filter(({ type, data }) => type === "progress_state" && "3" in nodesOf(data));
      expect(states.some(({ data }) => nodesOf(data)["3"]?.max === STEPS)).toBe(true);
      await client.close();
    });

    it("a node that fails ends the run with execution_error", async () => {
      const client = await started();
      const id = await submit(target.server(), failingGraph(), { client_id: client.clientId });
      await client.waitForEnd(id);
      expect(client.typesOf(id, "progress_state")).toEqual([
        "execution_start",
        "execution_cached",
        "executing",
        "executing",
        "execution_error",
        "executing",
      ]);
      const error = client.frames.find(({ type }) => type === "execution_error")?.data;
      expect(error).toMatchObject({
        prompt_id: id,
        node_id: "2",
        node_type: "SaveImage",
        executed: ["1"],
        exception_type: "Exception",
        exception_message: expect.stringContaining("Saving image outside the output folder is not allowed"),
        traceback: expect.arrayContaining([expect.any(String)]),
        current_inputs: { filename_prefix: ["../../outside"], images: [expect.any(String)] },
        current_outputs: expect.arrayContaining(["1"]),
        timestamp: expect.any(Number),
      });
      expect((await waitForEnd(target.server(), id)).outputs).toEqual({});
      await client.close();
    });

    it("a node that fails again counts as executed only what was not in the cache", async () => {
      const client = await started();
      const graph = failingGraph();
      await client.waitForEnd(await submit(target.server(), graph, { client_id: client.clientId }));
      const id = await submit(target.server(), graph, { client_id: client.clientId });
      await client.waitForEnd(id);
      const of = (type: string) => client.frames.find((each) => each.type === type && each.data.prompt_id === id)?.data;
      expect(of("execution_cached")?.nodes).toEqual(["1"]);
      expect(of("execution_error")?.executed).toEqual([]);
      await client.close();
    });

    it("a canceled run ends with execution_interrupted", async () => {
      const client = await started();
      const id = await submit(target.server(), slowGraph(), { client_id: client.clientId });
      await client.waitFor(({ type }) => type === "progress", "progress");
      await post(target.server(), `/api/jobs/${id}/cancel`, "");
      await client.waitForEnd(id);
      const interrupted = client.frames.find(({ type }) => type === "execution_interrupted")?.data;
      expect(interrupted).toEqual({
        prompt_id: id,
        node_id: "3",
        node_type: "ColorTransfer",
        executed: expect.any(Array),
        timestamp: expect.any(Number),
      });
      expect(z.array(z.string()).parse(interrupted?.executed).toSorted()).toEqual(["1", "2"]);
      expect(client.typesOf(id).slice(-2)).toEqual(["execution_interrupted", "executing"]);
      await client.close();
    });

    it("a job that is removed while it waits is told by status alone", async () => {
      const client = await started();
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), imageGraph(), { client_id: client.clientId });
      const seen = client.frames.length;
      await post(target.server(), "/queue", { delete: [waiting] });
      await client.waitFor(
        (frame) => frame.type === "status" && client.frames.indexOf(frame) >= seen,
        "a status after the removal",
      );
      await cancel(target.server(), running);
      expect(client.typesOf(waiting)).toEqual([]);
      await client.close();
    });
  });
}

const nodesSchema = z.record(z.string(), z.looseObject({ value: z.number(), max: z.number(), state: z.string() }));

function nodesOf(data: Record<string, unknown>): z.infer<typeof nodesSchema> {
  return nodesSchema.parse(data.nodes);
}
