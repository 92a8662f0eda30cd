/** What the server says about itself: `/object_info`, `/system_stats`, `/features` and the page at `/`. */
import { existsSync } from "node:fs";
import { freemem, platform, totalmem } from "node:os";
import { join } from "node:path";
import type { Options } from "../options.ts";
import type { JsonObject } from "../python.ts";
import { COMFYUI_VERSION } from "../version.ts";
import { fileReply } from "./file-reply.ts";
import { jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

const NO_STORE = { "cache-control": "no-store, must-revalidate", pragma: "no-cache", expires: "0" };

export function addInfoRoutes(routes: Routes, context: ServerContext): void {
  const { classes, options } = context;
  const describe = (name: string) => classes.get(name)?.describe(options.directories);
  routes.both(
    "GET",
    "/object_info",
    () => jsonReply(Object.fromEntries([...classes.keys()].map((name) => [name, describe(name) ?? {}]))),
  );
  routes.both("GET", "/object_info/:class", ({ param }) => {
    const info = describe(param("class"));
    return jsonReply(info === undefined ? {} : { [param("class")]: info });
  });
  routes.both("GET", "/system_stats", () => jsonReply(systemStats(context)));
  routes.both("GET", "/features", () => jsonReply(features(options)));
  routes.both("GET", "/extensions", () => jsonReply([]));
  for (const path of ["/workflow_templates", "/i18n", "/node_replacements", "/global_subgraphs"]) {
    routes.both("GET", path, () => jsonReply({}));
  }
  routes.both("GET", "/global_subgraphs/:id", () => jsonReply(null));
  routes.both("GET", "/", (request) => {
    const page = options.frontEndRoot === null ? null : join(options.frontEndRoot, "index.html");
    const headers = { ...NO_STORE, "content-type": "text/html" };
    if (page !== null && existsSync(page)) return fileReply(request, page, headers);
    return new Response("<!doctype html><title>fake-comfy</title>\n", { headers });
  });
}

/** What a client learns when it negotiates features. */
export function features(options: Options): JsonObject {
  return {
    supports_preview_metadata: true,
    supports_model_type_tags: true,
    max_upload_size: options.maxBodyBytes,
    extension: { manager: { supports_v4: true } },
    node_replacements: true,
    assets: false,
  };
}

function systemStats({ argv, memory: held }: ServerContext): JsonObject {
  const memory = { vram_total: totalmem(), vram_free: Math.max(0, freemem() - held.vramBytes) };
  return {
    system: {
      os: platform(),
      ram_total: totalmem(),
      ram_free: freemem(),
      comfyui_version: COMFYUI_VERSION,
      required_frontend_version: "1.49.6",
      installed_templates_version: null,
      required_templates_version: "0.11.44",
      comfy_package_versions: [],
      python_version: "3.12.0 (fake-comfy)",
      pytorch_version: "2.13.0+cpu",
      embedded_python: false,
      deploy_environment: "local-git",
      argv: [...argv],
    },
    devices: [{
      name: "cpu",
      type: "cpu",
      index: null,
      ...memory,
      torch_vram_total: memory.vram_total,
      torch_vram_free: memory.vram_free,
    }],
  };
}
