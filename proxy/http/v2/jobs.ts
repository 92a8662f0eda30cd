/** `/api/v2/jobs`: submit, look (held until the job is final), list, cancel, and the graph behind a job. */
import type { Job } from "../../../contracts/job.ts";
import { FleetError } from "../../../contracts/errors.ts";
import type { Page } from "../../../contracts/page.ts";
import { requireCaller } from "../../../contracts/trpc.ts";
import { ENVELOPE_BYTES } from "../trpc.ts";
import { withOurAssets, withV2Assets } from "./graph-assets.ts";
import { readIdempotency } from "./idempotency.ts";
import { readJobInput, submitOf } from "./job-input.ts";
import { jobSummaryView, jobView } from "./job-view.ts";
import { readJsonObject } from "./json-body.ts";
import { invalidCursor, readJobsQuery } from "./metadata-filter.ts";
import { preferredWaitMs } from "./prefer.ts";
import { jsonAnswer, linksFor, type V2Context, type V2Options, type V2Route } from "./request.ts";
import { jobIdOf } from "./uuids.ts";

export function createJobRoutes(options: V2Options) {
  const { jobs, assets, fileInputs, holdMs, maxWorkflowBytes, isActive, stopping } = options;

  /** One look at the state decides; the place in the queue is asked only for what that look found queued. */
  async function answer(c: V2Context, job: Job, more: { status?: number; headers?: Record<string, string> } = {}) {
    const queuePosition = job.state === "queued" ? await jobs.queuePosition(job.id) : null;
    return jsonAnswer(jobView(job, { links: linksFor(options, c), queuePosition }), more.status, more.headers);
  }

  const submit: V2Route = async (c, caller) => {
    const { raw } = c.req;
    const idempotency = readIdempotency(raw.headers);
    const input = readJobInput(await readJsonObject(raw, maxWorkflowBytes + ENVELOPE_BYTES));
    const places = { fileInputs, findByPaths: (paths: readonly string[]) => assets.findByPaths(caller, paths) };
    const { job, replayed } = await jobs.submitV2(caller, submitOf(input.workflow, input.metadata), {
      trace: c.env.trace,
      resolveAssets: (workflow) => withOurAssets(workflow, places),
      ...(idempotency === null ? {} : { idempotency: { space: "v2" as const, ...idempotency } }),
      ...(input.partnerKey === undefined ? {} : { partnerKey: input.partnerKey }),
    });
    return await answer(c, job, { status: 201, headers: replayed ? { "idempotency-replayed": "true" } : {} });
  };

  const get: V2Route = async (c, caller) => {
    const { signal, headers } = c.req.raw;
    const jobId = jobIdOf(c.req.param("id") ?? "");
    const preferred = preferredWaitMs(headers.get("prefer"));
    const waitMs = preferred ?? holdMs;
    const until = waitMs === 0 ? signal : AbortSignal.any([signal, stopping]);
    const job = await jobs.get(caller, { jobId, waitMs }, until);
    // It may have been held for longer than a revocation may take.
    if (waitMs > 0) requireCaller(await isActive(caller.keyId) ? caller : null);
    if (preferred === null) return await answer(c, job);
    return await answer(c, job, { headers: { "preference-applied": `wait=${preferred / 1_000}` } });
  };

  const list: V2Route = async (c, caller) => {
    const { metadata, limit, cursor } = readJobsQuery(new URL(c.req.raw.url).searchParams);
    let page: Page<Job>;
    try {
      page = await jobs.list(caller, { limit, cursor, ...(metadata === undefined ? {} : { metadata }) });
    } catch (error) {
      // Nothing else of this input can be wrong any more.
      throw FleetError.is(error) && error.code === "invalid_input" ? invalidCursor(error) : error;
    }
    const { items, nextCursor } = page;
    return jsonAnswer({
      jobs: items.map(jobSummaryView),
      ...(nextCursor === null ? {} : { next_cursor: nextCursor }),
    });
  };

  const cancel: V2Route = async (c, caller) =>
    await answer(c, await jobs.cancel(caller, jobIdOf(c.req.param("id") ?? "")));

  const workflow: V2Route = async (c, caller) => {
    const graph = await jobs.workflowOf(caller, jobIdOf(c.req.param("id") ?? ""));
    return jsonAnswer({ workflow: withV2Assets(graph), format: "api" });
  };

  return { submit, get, list, cancel, workflow };
}
