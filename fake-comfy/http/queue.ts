/** `/queue`, `/interrupt` and `/free`. */
import { isJsonObject, type Json, PyError, pyTypeName, toBool } from "../python.ts";
import { type QueueItem, queueTuple } from "../queue/prompt-queue.ts";
import { InvalidJson, readJson } from "./body.ts";
import { emptyReply, jsonReply } from "./replies.ts";
import type { RequestView, Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

export function addQueueRoutes(routes: Routes, context: ServerContext): void {
  const { queue, interrupt, log, faults } = context;
  const shown = (items: QueueItem[]) => items.filter(({ promptId }) => !faults.forgets(promptId)).map(queueTuple);
  routes.both(
    "GET",
    "/queue",
    () => jsonReply({ queue_running: shown(queue.running()), queue_pending: shown(queue.pending()) }),
  );
  routes.both("POST", "/queue", async (request) => {
    const body = await readJson(request);
    if (toBool(memberOf(body, "clear"))) queue.clear();
    for (const promptId of idsToDelete(body)) queue.remove(promptId);
    return emptyReply(200);
  });
  routes.both("POST", "/interrupt", async (request) => {
    const body = await readOptionalJson(request);
    if (!isJsonObject(body)) throw new PyError("AttributeError", `'${pyTypeName(body)}' object has no attribute 'get'`);
    const promptId = body["prompt_id"] ?? null;
    if (!toBool(promptId)) {
      log.info("Global interrupt (no prompt_id specified)");
      if (!faults.losesCancel()) interrupt.set();
    } else if (typeof promptId === "string" && queue.isRunning(promptId)) {
      log.info(`Interrupting prompt ${promptId}`);
      if (!faults.losesCancel()) interrupt.set();
    }
    return emptyReply(200);
  });
  routes.both("POST", "/free", async (request) => {
    const body = await readJson(request);
    if (!isJsonObject(body)) throw new PyError("AttributeError", `'${pyTypeName(body)}' object has no attribute 'get'`);
    if (toBool(body["unload_models"] ?? null)) queue.setFlag("unloadModels");
    if (toBool(body["free_memory"] ?? null)) queue.setFlag("freeMemory");
    return emptyReply(200);
  });
}

/** The ids of a `{"delete": [...]}` body. @throws {PyError} when they cannot be iterated */
export function idsToDelete(body: Json): Json[] {
  const ids = memberOf(body, "delete");
  if (ids === null) return [];
  if (Array.isArray(ids)) return ids;
  if (typeof ids === "string") return ids.split("");
  if (isJsonObject(ids)) return Object.keys(ids);
  throw new PyError("TypeError", `'${pyTypeName(ids)}' object is not iterable`);
}

/** A member of a body that has to be an object; null when absent. @throws {PyError} for null, numbers and booleans */
export function memberOf(body: Json, key: string): Json {
  if (isJsonObject(body)) return body[key] ?? null;
  if (typeof body === "string" || Array.isArray(body)) return null;
  throw new PyError("TypeError", `argument of type '${pyTypeName(body)}' is not iterable`);
}

async function readOptionalJson(request: RequestView): Promise<Json> {
  try {
    return await readJson(request);
  } catch (error) {
    if (error instanceof InvalidJson) return {};
    throw error;
  }
}
