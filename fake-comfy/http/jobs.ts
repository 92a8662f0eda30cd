/** `/api/jobs`: listing, one job, and cancelling. */
import { isJsonObject, type Json, type JsonObject, pyRepr } from "../python.ts";
import { InvalidJson, readJson } from "./body.ts";
import { finishedJob, queuedJob } from "./job-view.ts";
import { isJobId } from "./prompt.ts";
import { jsonReply } from "./replies.ts";
import type { RequestView, Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

const STATUSES = ["pending", "in_progress", "completed", "failed", "cancelled"];

export function addJobRoutes(routes: Routes, context: ServerContext): void {
  routes.one("GET", "/api/jobs", ({ query }) => listJobs(query, context));
  routes.one("GET", "/api/jobs/:id", ({ param }) => {
    const job = findJob(param("id"), context);
    return job === null ? jsonReply({ error: "Job not found" }, 404) : jsonReply(job);
  });
  routes.one("POST", "/api/jobs/:id/cancel", ({ param }) => jsonReply({ cancelled: cancel(param("id"), context) }));
  routes.one("POST", "/api/jobs/cancel", (request) => cancelMany(request, context));
}

/** The history comes first, so that an id used twice shows its older result. */
function findJob(id: string, { queue, faults }: ServerContext): JsonObject | null {
  if (faults.forgets(id)) return null;
  const entry = queue.historyOf(id);
  if (entry !== undefined) return finishedJob(id, entry, true);
  const running = queue.running().find((item) => item.promptId === id);
  if (running !== undefined) return queuedJob(running, "in_progress");
  const pending = queue.pending().find((item) => item.promptId === id);
  return pending === undefined ? null : queuedJob(pending, "pending");
}

function cancel(id: string, { queue, interrupt, faults, log }: ServerContext): boolean {
  if (queue.isRunning(id)) {
    log.info(`Cancelling running prompt ${id}`);
    if (!faults.losesCancel()) interrupt.set();
    return true;
  }
  return queue.remove(id);
}

async function cancelMany(request: RequestView, context: ServerContext): Promise<Response> {
  let body: Json;
  try {
    body = await readJson(request);
  } catch (error) {
    if (error instanceof InvalidJson) return jsonReply({ error: "Request body must be valid JSON" }, 400);
    throw error;
  }
  const ids = isJsonObject(body) ? body["job_ids"] : null;
  if (!Array.isArray(ids)) return jsonReply({ error: "job_ids must be a list" }, 400);
  const invalid = ids.filter((id) => !isJobId(id)).map((id) => typeof id === "string" ? id : pyRepr(id));
  if (invalid.length > 0) return jsonReply({ error: "job_ids contains invalid id(s)", invalid_ids: invalid }, 400);
  const results = ids.filter(isJobId).map((id) => cancel(id, context));
  return jsonReply({ cancelled: results.includes(true) });
}

function listJobs(query: URLSearchParams, context: ServerContext): Response {
  const statuses = (query.get("status") ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean);
  const unknown = statuses.filter((name) => !STATUSES.includes(name));
  if (unknown.length > 0) {
    const text = `Invalid status value(s): ${unknown.join(", ")}. Valid values: ${STATUSES.join(", ")}`;
    return jsonReply({ error: text }, 400);
  }
  const sortBy = (query.get("sort_by") ?? "created_at").toLowerCase();
  if (sortBy !== "created_at" && sortBy !== "execution_duration") {
    return jsonReply({ error: "sort_by must be 'created_at' or 'execution_duration'" }, 400);
  }
  const sortOrder = (query.get("sort_order") ?? "desc").toLowerCase();
  if (sortOrder !== "asc" && sortOrder !== "desc") {
    return jsonReply({ error: "sort_order must be 'asc' or 'desc'" }, 400);
  }
  const limit = integerOf(query.get("limit"));
  if (limit === "invalid") return jsonReply({ error: "limit must be an integer" }, 400);
  if (limit !== null && limit <= 0) return jsonReply({ error: "limit must be a positive integer" }, 400);
  const asked = integerOf(query.get("offset"));
  if (asked === "invalid") return jsonReply({ error: "offset must be an integer" }, 400);
  const offset = Math.max(0, asked ?? 0);
  const workflowId = query.get("workflow_id");
  const sign = sortOrder === "asc" ? 1 : -1;
  const found = allJobs(context)
    .filter((job) => statuses.length === 0 || statuses.includes(String(job["status"])))
    .filter((job) => workflowId === null || workflowId === "" || job["workflow_id"] === workflowId)
    .sort((one, other) => sign * (sortKey(one, sortBy) - sortKey(other, sortBy)));
  const jobs = found.slice(offset, limit === null ? undefined : offset + limit);
  const has_more = offset + jobs.length < found.length;
  return jsonReply({ jobs, pagination: { offset, limit, total: found.length, has_more } });
}

function allJobs({ queue }: ServerContext): JsonObject[] {
  return [
    ...queue.running().map((item) => queuedJob(item, "in_progress")),
    ...queue.pending().map((item) => queuedJob(item, "pending")),
    ...queue.history().map(([id, entry]) => finishedJob(id, entry, false)),
  ];
}

function sortKey(job: JsonObject, sortBy: "created_at" | "execution_duration"): number {
  if (sortBy === "created_at") return Number(job["create_time"] ?? 0);
  const start = Number(job["execution_start_time"] ?? 0);
  const end = Number(job["execution_end_time"] ?? 0);
  return start > 0 && end > 0 ? end - start : 0;
}

function integerOf(text: string | null): number | "invalid" | null {
  if (text === null) return null;
  return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : "invalid";
}
