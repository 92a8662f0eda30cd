/** `/history`. */
import { PyError, toBool, toInt } from "../python.ts";
import { readJson } from "./body.ts";
import { idsToDelete, memberOf } from "./queue.ts";
import { emptyReply, jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

export function addHistoryRoutes(routes: Routes, { queue, faults }: ServerContext): void {
  routes.both("GET", "/history", ({ query }) => {
    const maxItems = query.get("max_items");
    const offset = query.get("offset");
    const page = { maxItems: maxItems === null ? null : toInt(maxItems), offset: offset === null ? -1 : toInt(offset) };
    return jsonReply(Object.fromEntries(queue.history(page).filter(([id]) => !faults.forgets(id))));
  });
  routes.both("GET", "/history/:id", ({ param }) => {
    const entry = faults.forgets(param("id")) ? undefined : queue.historyOf(param("id"));
    return jsonReply(entry === undefined ? {} : { [param("id")]: entry });
  });
  routes.both("POST", "/history", async (request) => {
    const body = await readJson(request);
    if (toBool(memberOf(body, "clear"))) queue.clearHistory();
    for (const promptId of idsToDelete(body)) {
      if (typeof promptId === "object" && promptId !== null) throw new PyError("TypeError", "unhashable type");
      queue.removeHistory(String(promptId));
    }
    return emptyReply(200);
  });
}
