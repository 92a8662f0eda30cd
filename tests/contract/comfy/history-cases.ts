// /history: nothing until the end, then graph, outputs, names and messages of the run.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failingGraph, imageGraph, slowGraph } from "./graphs.ts";
import type { Target } from "./target.ts";
import { call, cancel, post, run, settle, submit, waitForStatus } from "./wire.ts";

const entrySchema = z.looseObject({
  prompt: z.tuple([z.number(), z.string(), z.unknown(), z.unknown(), z.array(z.string())]),
  outputs: z.record(z.string(), z.record(z.string(), z.array(z.unknown()))),
  meta: z.record(z.string(), z.unknown()),
  status: z.strictObject({
    status_str: z.string(),
    completed: z.boolean(),
    messages: z.array(z.tuple([z.string(), z.looseObject({ prompt_id: z.string() })])),
  }),
});

export function describeHistory(target: Target): void {
  const history = async (path: string) =>
    z.record(z.string(), entrySchema).parse((await call(target.server(), `/history${path}`)).json);
  const messagesOf = async (id: string) =>
    (await history(`/${id}`))[id]?.status.messages.map(([event, data]) => [event, data.prompt_id === id]);

  describe("history", () => {
    it("GET /history/{id} is empty for an unknown, a waiting and a running job", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), imageGraph());
      for (const id of [running, waiting, crypto.randomUUID()]) expect(await history(`/${id}`)).toEqual({});
      await settle(target.server());
    });

    it("GET /history/{id} tells the whole run of a finished job", async () => {
      const graph = imageGraph();
      const { id } = await run(target.server(), graph, { extra_data: { mark: 3 } });
      const entry = (await history(`/${id}`))[id];
      expect(entry?.prompt).toEqual([expect.any(Number), id, graph, expect.objectContaining({ mark: 3 }), ["2"]]);
      expect(entry?.outputs).toEqual({
        "2": { images: [{ filename: expect.any(String), subfolder: "image", type: "output" }] },
      });
      expect(entry?.meta).toEqual({ "2": { node_id: "2", display_node: "2", parent_node: null, real_node_id: "2" } });
      expect(entry?.status).toMatchObject({ status_str: "success", completed: true });
      expect(await messagesOf(id)).toEqual([
        ["execution_start", true],
        ["execution_cached", true],
        ["execution_success", true],
      ]);
    });

    it("GET /history/{id} of a failed job ends with execution_error, of a canceled one with execution_interrupted", async () => {
      const failed = await run(target.server(), failingGraph());
      expect((await messagesOf(failed.id))?.at(-1)).toEqual(["execution_error", true]);
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      await cancel(target.server(), running);
      expect((await messagesOf(running))?.at(-1)).toEqual(["execution_interrupted", true]);
      expect((await history(`/${running}`))[running]?.status).toMatchObject({ status_str: "error", completed: false });
    });

    it("GET /history lists the oldest first; max_items alone keeps the last, offset pages from the first", async () => {
      await post(target.server(), "/history", { clear: true });
      const ids = [];
      for (let i = 0; i < 3; i += 1) ids.push((await run(target.server(), imageGraph())).id);
      expect(Object.keys(await history(""))).toEqual(ids);
      expect(Object.keys(await history("?max_items=2"))).toEqual(ids.slice(1));
      expect(Object.keys(await history("?max_items=1&offset=1"))).toEqual(ids.slice(1, 2));
    });

    it("POST /history delete removes one entry, clear all", async () => {
      const [one, two] = [await run(target.server(), imageGraph()), await run(target.server(), imageGraph())];
      const deleted = await post(target.server(), "/history", { delete: [one.id, crypto.randomUUID()] });
      expect([deleted.status, deleted.text]).toEqual([200, ""]);
      expect(await history(`/${one.id}`)).toEqual({});
      expect((await call(target.server(), `/api/jobs/${one.id}`)).status).toBe(404);
      expect(Object.keys(await history(`/${two.id}`))).toEqual([two.id]);
      expect((await post(target.server(), "/history", { clear: true })).status).toBe(200);
      expect(await history("")).toEqual({});
    });
  });
}
