/** `/internal/*`, which has no `/api` twin. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { directoryByType } from "../directories.ts";
import { isJsonObject, PyError, toBool } from "../python.ts";
import { readJson } from "./body.ts";
import { allModelDirectories } from "./models.ts";
import { emptyReply, jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

const TERMINAL_SIZE = { cols: 80, rows: 24 };

export function addInternalRoutes(routes: Routes, { options, log, hub }: ServerContext): void {
  const subscribed = new Set<string>();
  log.subscribe((entry) => {
    const data = { entries: [{ ...entry }], size: null };
    for (const clientId of subscribed) hub.send("logs", data, clientId);
  });
  routes.one("GET", "/internal/logs", () => jsonReply(log.entries().map(({ t, m }) => `${t} - ${m}`).join("")));
  routes.one("GET", "/internal/logs/raw", () => jsonReply({ entries: log.entries(), size: TERMINAL_SIZE }));
  routes.one("PATCH", "/internal/logs/subscribe", async (request) => {
    const body = await readJson(request);
    if (!isJsonObject(body) || body["clientId"] === undefined || body["enabled"] === undefined) {
      throw new PyError("KeyError", "'clientId'");
    }
    const clientId = String(body["clientId"]);
    if (toBool(body["enabled"])) subscribed.add(clientId);
    else subscribed.delete(clientId);
    return emptyReply(200);
  });
  routes.one("GET", "/internal/folder_paths", () => jsonReply(allModelDirectories(options.directories.models)));
  routes.one("GET", "/internal/files/:type", ({ param }) => {
    const directory = directoryByType(options.directories, param("type"));
    if (directory === null) return jsonReply({ error: "Invalid directory type" }, 400);
    const files = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map((entry) => ({ name: entry.name, modifiedMs: statSync(join(directory, entry.name)).mtimeMs }))
      .sort((one, other) => other.modifiedMs - one.modifiedMs);
    return jsonReply(files.map((file) => `${file.name} [${param("type")}]`));
  });
}
