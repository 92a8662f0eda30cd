/** What the page keeps on the server for its one user: `/users`, `/settings`, `/userdata`. */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { isLexicallyWithin } from "../directories.ts";
import { isJsonObject, type Json, type JsonObject, PyError, pyTypeName } from "../python.ts";
import { readBody, readJson } from "./body.ts";
import { fileReply } from "./file-reply.ts";
import { contentTypeOf } from "./mime-types.ts";
import { emptyReply, jsonReply, textReply } from "./replies.ts";
import type { RequestView, Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

/** The only user without `--multi-user`. */
const USER = "default";
const SETTINGS = "comfy.settings.json";

export function addUserDataRoutes(routes: Routes, { options }: ServerContext): void {
  const root = join(options.directories.user, USER);
  addSettingsRoutes(routes, join(root, SETTINGS));
  routes.both("GET", "/users", () => jsonReply({ storage: "server", migrated: existsSync(join(root, SETTINGS)) }));
  routes.both("POST", "/users", async (request) => {
    const { username } = objectOf(await readJson(request));
    if (typeof username !== "string") throw new PyError("KeyError", "'username'");
    return jsonReply(`${username}_${randomUUID()}`);
  });
  routes.both("GET", "/userdata", ({ query }) => list(root, query));
  routes.both("GET", "/v2/userdata", ({ query }) => listEntries(root, query.get("path") ?? ""));
  routes.both("GET", "/userdata/:file", (request) => {
    const path = pathOf(root, request.param("file"));
    if (path === null) return emptyReply(403);
    if (!existsSync(path)) return emptyReply(404);
    return fileReply(request, path, { "content-type": contentTypeOf(path) });
  });
  routes.both("POST", "/userdata/:file", (request) => store(request, root));
  routes.both("DELETE", "/userdata/:file", async ({ param }) => {
    const path = pathOf(root, param("file"));
    if (path === null) return emptyReply(403);
    if (!existsSync(path)) return emptyReply(404);
    await rm(path);
    return emptyReply(204);
  });
  routes.both("POST", "/userdata/:file/move/:dest", (request) => move(request, root));
}

function addSettingsRoutes(routes: Routes, path: string): void {
  const read = (): JsonObject => existsSync(path) ? objectOf(JSON.parse(readFileSync(path, "utf8")) as Json) : {};
  const change = async (settings: JsonObject): Promise<Response> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify({ ...read(), ...settings }));
    return emptyReply(200);
  };
  routes.both("GET", "/settings", () => jsonReply(read()));
  routes.both("GET", "/settings/:id", ({ param }) => jsonReply(read()[param("id")] ?? null));
  routes.both("POST", "/settings", async (request) => await change(objectOf(await readJson(request))));
  routes.both("POST", "/settings/:id", async (request) => change({ [request.param("id")]: await readJson(request) }));
}

function list(root: string, query: URLSearchParams): Response {
  const asked = query.get("dir");
  if (asked === null || asked === "") return textReply("Directory not provided", 400);
  const directory = pathOf(root, asked);
  if (directory === null) return textReply("Invalid directory", 403);
  if (!existsSync(directory)) return textReply("Directory not found", 404);
  const recursive = query.get("recurse")?.toLowerCase() === "true";
  const names = readdirSync(directory, { recursive, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  if (query.get("full_info")?.toLowerCase() === "true") {
    return jsonReply(names.map((name) => fileInfo(join(directory, name), name)));
  }
  const splits = query.get("split")?.toLowerCase() === "true";
  return jsonReply(splits ? names.map((name) => [name, ...name.split("/")]) : names);
}

function listEntries(root: string, asked: string): Response {
  const directory = pathOf(root, asked);
  if (directory === null) return textReply("Invalid directory", 403);
  if (!existsSync(directory)) {
    return asked === "" ? jsonReply([]) : textReply("Requested path not found", 404);
  }
  return jsonReply(
    readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const named = { name: entry.name, path: relative(root, path) };
      if (entry.isDirectory()) return { ...named, type: "directory" };
      const { size, mtimeMs } = statSync(path);
      return { ...named, type: "file", size, modified: mtimeMs / 1000 };
    }),
  );
}

async function store(request: RequestView, root: string): Promise<Response> {
  const name = request.param("file");
  const path = pathOf(root, name);
  if (path === null) return emptyReply(403);
  if (request.query.get("overwrite") === "false" && existsSync(path)) return textReply("File already exists", 409);
  const bytes = await readBody(request);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return jsonReply(request.query.get("full_info")?.toLowerCase() === "true" ? fileInfo(path, name) : name);
}

async function move(request: RequestView, root: string): Promise<Response> {
  const [from, to] = [pathOf(root, request.param("file")), pathOf(root, request.param("dest"))];
  if (from === null || to === null) return emptyReply(403);
  if (!existsSync(from)) return emptyReply(404);
  if (request.query.get("overwrite") === "false" && existsSync(to)) return textReply("File already exists", 409);
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
  return jsonReply(relative(root, to));
}

/** Null for what would leave the user's directory. */
function pathOf(root: string, name: string): string | null {
  const path = resolve(root, name);
  return isLexicallyWithin(root, path) ? path : null;
}

function fileInfo(path: string, name: string): JsonObject {
  const { size, mtimeMs, ctimeMs } = statSync(path);
  return { path: name, size, modified: Math.trunc(mtimeMs), created: Math.trunc(ctimeMs) };
}

/** @throws {PyError} for anything but an object */
function objectOf(value: Json): JsonObject {
  if (isJsonObject(value)) return value;
  throw new PyError("TypeError", `'${pyTypeName(value)}' object is not a mapping`);
}
