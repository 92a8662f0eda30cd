/** `/view`: output, input and temp files. `channel=rgb`, `channel=a` and `preview=…` are drawn, from PNG only. */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { annotatedName, directoryByType, isLexicallyWithin } from "../directories.ts";
import { encodeJpeg } from "../images/jpeg.ts";
import { decodePng, encodePng, type Raster } from "../images/png.ts";
import { encodeWebp } from "../images/webp.ts";
import { fileReply } from "./file-reply.ts";
import { contentTypeOf, isDangerous } from "./mime-types.ts";
import { emptyReply } from "./replies.ts";
import type { RequestView, Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

export function addViewRoutes(routes: Routes, context: ServerContext): void {
  routes.both("GET", "/view", (request) => view(request, context));
}

async function view(request: RequestView, { options }: ServerContext): Promise<Response> {
  const asked = request.query.get("filename");
  if (asked === null || asked.startsWith("blake3:")) return emptyReply(404);
  const { name, directory } = annotatedName(options.directories, asked);
  if (name === "" || name.startsWith("/") || name.includes("..")) return emptyReply(400);
  const root = directory ?? directoryByType(options.directories, request.query.get("type") ?? "output");
  if (root === null) return emptyReply(400);
  const folder = resolve(root, request.query.get("subfolder") ?? "");
  if (!isLexicallyWithin(root, folder)) return emptyReply(403);
  const filename = basename(name);
  const path = join(folder, filename);
  if (!existsSync(path) || !statSync(path).isFile()) return emptyReply(404);
  const preview = request.query.get("preview");
  if (preview !== null) return await previewReply({ path, filename, preview, channel: request.query.get("channel") });
  const channel = request.query.get("channel") ?? "rgba";
  if (channel === "rgb" || channel === "a") return await channelReply(path, filename, channel);
  return await fileReply(request, path, fileHeaders(request, filename));
}

/** What could run in a page is handed out as a download, an SVG inside an `<img>` excepted. */
function fileHeaders(request: RequestView, filename: string): Record<string, string> {
  const type = contentTypeOf(filename);
  const safeName = filename.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const headers = { "x-content-type-options": "nosniff" };
  if (!isDangerous(type)) {
    return { ...headers, "content-type": type, "content-disposition": `filename="${safeName}"` };
  }
  const asImage = type === "image/svg+xml" && request.header("sec-fetch-dest") === "image";
  return {
    ...headers,
    vary: "Sec-Fetch-Dest",
    "cache-control": "no-store",
    "content-type": asImage ? type : "application/octet-stream",
    "content-disposition": `${asImage ? "" : "attachment; "}filename="${safeName}"`,
  };
}

async function channelReply(path: string, filename: string, channel: "rgb" | "a"): Promise<Response> {
  const raster = await decodePng(await readFile(path));
  const drawn = channel === "rgb" ? withoutAlpha(raster) : alphaOnly(raster);
  return new Response(new Uint8Array(await encodePng(drawn, { level: 6 })), {
    headers: { "content-type": "image/png", "content-disposition": `filename="${filename}"` },
  });
}

interface PreviewRequest {
  readonly path: string;
  readonly filename: string;
  /** `format;quality`: webp (also for what is neither) or jpeg, 0 to 100. */
  readonly preview: string;
  readonly channel: string | null;
}

/** JPEG has no alpha channel: where that is asked for, WebP is made instead. */
async function previewReply({ path, filename, preview, channel }: PreviewRequest): Promise<Response> {
  const parts = preview.split(";");
  const format = parts[0] === "jpeg" && !(channel ?? "").includes("a") ? "jpeg" : "webp";
  const quality = /^\d+$/.test(parts.at(-1) ?? "") ? Number(parts.at(-1)) : 90;
  const raster = await decodePng(await readFile(path));
  const drawn = format === "jpeg" || channel === "rgb" ? withoutAlpha(raster) : raster;
  const bytes = format === "jpeg" ? encodeJpeg(drawn, quality) : encodeWebp(drawn);
  return new Response(new Uint8Array(bytes), {
    headers: { "content-type": `image/${format}`, "content-disposition": `filename="${filename}"` },
  });
}

function withoutAlpha(raster: Raster): Raster {
  return raster.channels === 3 ? raster : redraw(raster, 3, (pixel, channel) => raster.bytes[pixel * 4 + channel] ?? 0);
}

function alphaOnly(raster: Raster): Raster {
  const alpha = (pixel: number) => raster.channels === 4 ? raster.bytes[pixel * 4 + 3] ?? 0 : 255;
  return redraw(raster, 4, (pixel, channel) => channel === 3 ? alpha(pixel) : 0);
}

function redraw(raster: Raster, channels: 3 | 4, value: (pixel: number, channel: number) => number): Raster {
  const { width, height } = raster;
  const length = width * height * channels;
  const bytes = Uint8Array.from({ length }, (_, index) => value(Math.floor(index / channels), index % channels));
  return { width, height, channels, bytes };
}
