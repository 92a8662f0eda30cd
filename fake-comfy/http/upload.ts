/** `/upload/image`, which takes files of any kind, and `/upload/mask`. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { annotatedName, directoryByType, isLexicallyWithin } from "../directories.ts";
import { decodePng, encodePng, type Raster } from "../images/png.ts";
import { isJsonObject, type Json, PyError } from "../python.ts";
import { readForm } from "./body.ts";
import { emptyReply, jsonReply } from "./replies.ts";
import type { RequestView, Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

/** Turns what was uploaded into what is stored; null stores nothing. */
type Convert = (uploaded: Buffer, form: FormData) => Promise<Buffer | null>;

export function addUploadRoutes(routes: Routes, context: ServerContext): void {
  routes.both("POST", "/upload/image", (request) => upload(request, context, (bytes) => Promise.resolve(bytes)));
  routes.both(
    "POST",
    "/upload/mask",
    (request) => upload(request, context, (bytes, form) => maskedOriginal(bytes, form, context)),
  );
}

async function upload(request: RequestView, { options }: ServerContext, convert: Convert): Promise<Response> {
  const form = await readForm(request);
  const type = textField(form, "type") ?? "input";
  const root = directoryByType(options.directories, type);
  if (root === null) throw new PyError("UnboundLocalError", "cannot access local variable 'type_dir'");
  const file = form.get("image");
  if (file === null) return emptyReply(400);
  if (typeof file === "string" || file.name === "") {
    throw new PyError("AttributeError", "'str' object has no attribute 'file'");
  }
  const subfolder = textField(form, "subfolder") ?? "";
  const folder = resolve(root, subfolder === "" ? "." : subfolder);
  // Quotes and line ends in a multipart name arrive percent-encoded and stay so.
  const name = file.name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  if (!isLexicallyWithin(root, resolve(folder, name))) return emptyReply(400);
  await mkdir(folder, { recursive: true });
  const uploaded = Buffer.from(await file.arrayBuffer());
  const overwrite = ["true", "1"].includes(textField(form, "overwrite") ?? "");
  const place = overwrite ? { name, known: false } : await freeName(folder, name, uploaded);
  if (!place.known) {
    const stored = await convert(uploaded, form);
    if (stored !== null) await writeFile(resolve(folder, place.name), stored);
  }
  return jsonReply({ name: place.name, subfolder, type });
}

/** The name itself, or `name (1).ext` and so on; `known` when the same bytes are there already. */
async function freeName(folder: string, name: string, bytes: Buffer): Promise<{ name: string; known: boolean }> {
  const { dir, name: stem, ext } = parse(name);
  const base = join(dir, stem);
  for (let number = 0;; number++) {
    const candidate = number === 0 ? name : `${base} (${number})${ext}`;
    const path = resolve(folder, candidate);
    if (!existsSync(path)) return { name: candidate, known: false };
    if (bytes.equals(await readFile(path))) return { name: candidate, known: true };
  }
}

/** The original with the mask's transparency; nothing when the original is not to be had. */
async function maskedOriginal(mask: Buffer, form: FormData, { options }: ServerContext): Promise<Buffer | null> {
  const reference = JSON.parse(textField(form, "original_ref") ?? "null") as Json;
  const filename = isJsonObject(reference) ? reference["filename"] : null;
  if (!isJsonObject(reference) || typeof filename !== "string") throw new PyError("TypeError", "original_ref");
  const { name, directory } = annotatedName(options.directories, filename);
  const root = directory ?? directoryByType(options.directories, String(reference["type"] ?? "output"));
  if (name === "" || name.startsWith("/") || name.includes("..") || root === null) return null;
  const folder = resolve(root, String(reference["subfolder"] ?? ""));
  const path = join(folder, name);
  if (!isLexicallyWithin(root, folder) || !existsSync(path)) return null;
  const original = await decodePng(await readFile(path));
  return await encodePng(withAlphaOf(original, await decodePng(mask)), { level: 4 });
}

function withAlphaOf(original: Raster, mask: Raster): Raster {
  const { width, height } = original;
  if (mask.width !== width || mask.height !== height) throw new PyError("ValueError", "images do not match");
  const bytes = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * original.channels;
    bytes.set(original.bytes.subarray(from, from + 3), pixel * 4);
    bytes[pixel * 4 + 3] = mask.channels === 4 ? mask.bytes[pixel * 4 + 3] ?? 255 : 255;
  }
  return { width, height, channels: 4, bytes };
}

function textField(form: FormData, name: string): string | null {
  const value = form.get(name);
  return typeof value === "string" ? value : null;
}
