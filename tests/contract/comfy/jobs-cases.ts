// /api/jobs: one job, lists, cancel.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failingGraph, imageGraph, slowGraph } from "./graphs.ts";
import type { Target } from "./target.ts";
import { call, cancel, getJob, post, run, settle, submit, waitForEnd, waitForStatus } from "./wire.ts";

const listSchema = z.strictObject({
  jobs: z.array(z.looseObject({ id: z.string(), status: z.string() })),
  pagination: z.strictObject({
    offset: z.number(),
    limit: z.number().nullable(),
    total: z.number(),
    has_more: z.boolean(),
  }),
});

export function describeJobs(target: Target): void {
  const list = async (query: string) => listSchema.parse((await call(target.server(), `/api/jobs${query}`)).json);

  describe("jobs", () => {
    it("GET /api/jobs/{id} tells a waiting, a running and a finished job", async () => {
      const running = await submit(target.server(), slowGraph());
      const now = await waitForStatus(target.server(), running, "in_progress");
      expect(now).toMatchObject({ id: running, priority: expect.any(Number), create_time: expect.any(Number) });
      expect(now.outputs_count).toBe(0);
      const graph = imageGraph();
      const id = await submit(target.server(), graph, { extra_data: { mark: 2 } });
      expect(await getJob(target.server(), id)).toMatchObject({ id, status: "pending", outputs_count: 0 });
      await cancel(target.server(), running);
      const done = await waitForEnd(target.server(), id);
      expect(done).toMatchObject({
        id,
        status: "completed",
        outputs_count: 1,
        execution_start_time: expect.any(Number),
        execution_end_time: expect.any(Number),
        preview_output: { nodeId: "2", mediaType: "images", type: "output", filename: expect.any(String) },
        execution_status: { status_str: "success", completed: true },
        workflow: { prompt: graph, extra_data: { mark: 2 } },
      });
    });

    it("GET /api/jobs/{id} of a failed job holds the error", async () => {
      const job = await run(target.server(), failingGraph());
      expect(job).toMatchObject({
        status: "failed",
        execution_error: { node_id: "2", node_type: "SaveImage", exception_type: "Exception", executed: ["1"] },
        execution_status: { status_str: "error", completed: false },
      });
    });

    it("GET /api/jobs/{id} answers 404 in JSON for an unknown id", async () => {
      const answer = await call(target.server(), `/api/jobs/${crypto.randomUUID()}`);
      expect([answer.status, answer.json]).toEqual([404, { error: "Job not found" }]);
    });

    it("GET /api/jobs filters, sorts and pages", async () => {
      await settle(target.server());
      const ids = [];
      for (let i = 0; i < 3; i += 1) ids.push((await run(target.server(), imageGraph())).id);
      const newest = await list("?status=completed&sort_by=created_at&sort_order=desc&limit=2&offset=0");
      expect(newest.jobs.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
      expect(newest.pagination).toMatchObject({ offset: 0, limit: 2, has_more: true });
      const next = await list("?status=completed&sort_by=created_at&sort_order=desc&limit=1&offset=2");
      expect(next.jobs.map(({ id }) => id)).toEqual([ids[0]]);
      const all = await list("");
      // Graph, outputs and messages are told of one job alone.
      expect(all.jobs.flatMap((job) => Object.keys(job))).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(outputs|execution_status|workflow)$/)]),
      );
      expect(all.pagination).toMatchObject({ offset: 0, limit: null, total: all.jobs.length, has_more: false });
      expect((await list("?status=pending,in_progress")).jobs).toEqual([]);
      const statuses = new Set((await list("?status=failed,cancelled")).jobs.map(({ status }) => status));
      expect([...statuses].every((status) => ["failed", "cancelled"].includes(status))).toBe(true);
    });

    it.each(["?status=finished", "?sort_by=name", "?sort_order=up", "?limit=many", "?offset=-x"])(
      "GET /api/jobs%s answers 400 with an error",
      async (query) => {
        const answer = await call(target.server(), `/api/jobs${query}`);
        expect([answer.status, Object.keys(z.record(z.string(), z.string()).parse(answer.json))]).toEqual([400, [
          "error",
        ]]);
      },
    );

    it("POST /api/jobs/{id}/cancel removes a waiting job, and says false the second time", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), imageGraph());
      const first = await call(target.server(), `/api/jobs/${waiting}/cancel`, { method: "POST" });
      expect([first.status, first.json]).toEqual([200, { cancelled: true }]);
      expect(await getJob(target.server(), waiting)).toBeUndefined();
      const second = await call(target.server(), `/api/jobs/${waiting}/cancel`, { method: "POST" });
      expect([second.status, second.json]).toEqual([200, { cancelled: false }]);
      await settle(target.server());
    });

    it("POST /api/jobs/{id}/cancel stops a running job", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const answer = await call(target.server(), `/api/jobs/${running}/cancel`, { method: "POST" });
      expect(answer.json).toEqual({ cancelled: true });
      const job = await cancel(target.server(), running);
      expect(job).toMatchObject({
        status: "cancelled",
        execution_status: { status_str: "error", completed: false },
      });
      const after = await call(target.server(), `/api/jobs/${running}/cancel`, { method: "POST" });
      expect(after.json).toEqual({ cancelled: false });
    });

    it("POST /api/jobs/cancel takes a list of ids", async () => {
      const running = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), running, "in_progress");
      const waiting = await submit(target.server(), imageGraph());
      const answer = await post(target.server(), "/api/jobs/cancel", { job_ids: [waiting, running] });
      expect([answer.status, answer.json]).toEqual([200, { cancelled: true }]);
      expect((await waitForEnd(target.server(), running)).status).toBe("cancelled");
      expect(await getJob(target.server(), waiting)).toBeUndefined();
      const unknown = await post(target.server(), "/api/jobs/cancel", { job_ids: [crypto.randomUUID()] });
      expect([unknown.status, unknown.json]).toEqual([200, { cancelled: false }]);
    });

    it.each([
      ["an id that is no UUID", { job_ids: ["nope"] }, {
        error: "job_ids contains invalid id(s)",
        invalid_ids: ["nope"],
      }],
      ["no list", { job_ids: "nope" }, { error: "job_ids must be a list" }],
      ["broken JSON", "{", { error: "Request body must be valid JSON" }],
    ])("POST /api/jobs/cancel answers 400 for %s", async (_name, body, expected) => {
      const answer = await post(target.server(), "/api/jobs/cancel", body);
      expect([answer.status, answer.json]).toEqual([400, expected]);
    });
  });
}
