// GET /prompt, GET and POST /queue, POST /interrupt, POST /free.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { imageGraph, slowGraph } from "./graphs.ts";
import type { Target } from "./target.ts";
import {
  call,
  cancel,
  getJob,
  PLAIN_500,
  post,
  run,
  settle,
  submit,
  waitForEnd,
  waitForStatus,
  waitUntil,
} from "./wire.ts";

const item = z.tuple([
  z.number(),
  z.string(),
  z.record(z.string(), z.unknown()),
  z.looseObject({ create_time: z.number() }),
  z.array(z.string()),
]);
const queueSchema = z.strictObject({ queue_running: z.array(item), queue_pending: z.array(item) });

export function describeQueue(target: Target): void {
  const queue = async () => queueSchema.parse((await call(target.server(), "/queue")).json);
  const remaining = async () => (await call(target.server(), "/prompt")).json;

  describe("queue", () => {
    it("GET /prompt counts the running and the waiting jobs", async () => {
      await settle(target.server());
      expect(await remaining()).toEqual({ exec_info: { queue_remaining: 0 } });
      const running = await submit(target.server(), slowGraph());
      await submit(target.server(), imageGraph());
      expect(await remaining()).toEqual({ exec_info: { queue_remaining: 2 } });
      await settle(target.server());
      expect((await getJob(target.server(), running))?.status).toBe("cancelled");
    });

    it("GET /queue tells number, id, graph, extra data and output nodes of each job", async () => {
      const [slow, quick] = [slowGraph(), imageGraph()];
      const running = await submit(target.server(), slow, { extra_data: { mark: 1 } });
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), quick);
      const { queue_running, queue_pending } = await queue();
      expect(queue_running.map(([, id, graph, extra, outputs]) => [id, graph, extra.mark, outputs])).toEqual(
        [[running, slow, 1, ["5"]]],
      );
      expect(queue_pending.map(([, id, graph, , outputs]) => [id, graph, outputs])).toEqual([[waiting, quick, ["2"]]]);
      await settle(target.server());
      expect(await queue()).toEqual({ queue_running: [], queue_pending: [] });
    });

    it("POST /queue delete removes waiting jobs without a trace, and never fails", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const [gone, kept] = [await submit(target.server(), imageGraph()), await submit(target.server(), imageGraph())];
      const answer = await post(target.server(), "/queue", { delete: [gone, running, crypto.randomUUID()] });
      expect([answer.status, answer.text]).toEqual([200, ""]);
      expect(await getJob(target.server(), gone)).toBeUndefined();
      expect((await call(target.server(), `/history/${gone}`)).json).toEqual({});
      expect((await getJob(target.server(), running))?.status).toBe("in_progress");
      await cancel(target.server(), running);
      expect((await waitForEnd(target.server(), kept)).status).toBe("completed");
    });

    it("POST /queue clear removes all waiting jobs and leaves the running one", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), imageGraph());
      expect((await post(target.server(), "/queue", { clear: true })).status).toBe(200);
      expect(await getJob(target.server(), waiting)).toBeUndefined();
      expect((await getJob(target.server(), running))?.status).toBe("in_progress");
      await settle(target.server());
    });

    it("POST /interrupt with an id stops that job only", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), imageGraph());
      for (const prompt_id of [waiting, crypto.randomUUID()]) {
        const answer = await post(target.server(), "/interrupt", { prompt_id });
        expect([answer.status, answer.text]).toEqual([200, ""]);
      }
      expect((await getJob(target.server(), running))?.status).toBe("in_progress");
      const stopped = await waitUntil("the interrupted job has ended", async () => {
        await post(target.server(), "/interrupt", { prompt_id: running });
        const job = await getJob(target.server(), running);
        return job?.status === "in_progress" ? undefined : job;
      });
      expect(stopped?.status).toBe("cancelled");
      expect((await waitForEnd(target.server(), waiting)).status).toBe("completed");
    });

    it("POST /interrupt without a body stops the running job", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      expect((await call(target.server(), "/interrupt", { method: "POST" })).status).toBe(200);
      expect((await waitForEnd(target.server(), running)).status).toBe("cancelled");
    });

    it("POST /free answers 200 at once, and free_memory empties the cache", async () => {
      const graph = imageGraph();
      await run(target.server(), graph);
      const answer = await post(target.server(), "/free", { unload_models: true, free_memory: true });
      expect([answer.status, answer.text]).toEqual([200, ""]);
      // It happens after the next job at the latest; nothing tells when.
      await run(target.server(), imageGraph());
      const again = await waitUntil("a rerun saves again", async () => {
        const job = await run(target.server(), graph);
        return JSON.stringify(job.outputs).includes("_00002_") ? job : undefined;
      });
      expect(again.status).toBe("completed");
    });

    it("POST /free without a body answers 500 in plain text", async () => {
      const answer = await call(target.server(), "/free", { method: "POST" });
      expect([answer.status, answer.text]).toEqual([500, PLAIN_500]);
    });
  });
}
