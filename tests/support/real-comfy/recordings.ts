// The shapes of the recorded files, and what is taken out of ComfyUI's answers before they are stored or compared.
import { readFile } from "node:fs/promises";
import type { Graph } from "./recording-graphs.ts";

/** Folder of the recorded files. */
export const RECORDED = new URL("../../fixtures/comfy/", import.meta.url);

/** A graph and the pictures that ComfyUI made of it. */
export type Recording = {
  name: string;
  graph: Graph;
  /** Mean difference allowed per channel, in 255ths; 0 means that every pixel is equal. */
  tolerance: number;
  /** Largest difference allowed in any channel of any pixel, in 255ths; absent: no limit beside the mean. */
  most?: number;
  outputs: { node: string; index: number; file: string; type: string }[];
};

/** manifest.json */
export type Manifest = { comfyui: string; recordings: Recording[] };

/** A node of a graph that may be wrong. */
export type LooseNode = { class_type?: string; inputs?: Record<string, unknown>; _meta?: { title?: string } };

/** One graph and the answer of POST /prompt, normalised by `normalizeAnswer`. */
export type ValidationRecording = {
  name: string;
  graph: Record<string, LooseNode>;
  body?: Record<string, unknown>;
  status: number;
  answer: unknown;
};

/** validation.json */
export type ValidationFile = { comfyui: string; cases: ValidationRecording[] };

/** object-info.json, and the stand-in's services/classes.json: the interfaces of the recorded classes, before any upload. */
export type ObjectInfoFile = { comfyui: string; classes: Record<string, unknown> };

type RecordedFiles = {
  "manifest.json": Manifest;
  "validation.json": ValidationFile;
  "object-info.json": ObjectInfoFile;
};

/** Reads a recorded file, which is trusted: record.ts wrote it. */
export async function readRecorded<Name extends keyof RecordedFiles>(name: Name): Promise<RecordedFiles[Name]> {
  return JSON.parse(await readFile(new URL(name, RECORDED), "utf8")) as RecordedFiles[Name];
}

/** What the stand-in says of the classes that services use: recorded too, by record-services.ts. */
export const SERVICE_CLASSES = new URL("../../../fake-comfy/services/classes.json", import.meta.url);

/** Reads {@link SERVICE_CLASSES}. */
export async function readServiceClasses(): Promise<ObjectInfoFile> {
  return JSON.parse(await readFile(SERVICE_CLASSES, "utf8")) as ObjectInfoFile;
}

/** Texts for people, which are neither ours to copy nor part of the interface. */
const PROSE = ["tooltip", "description", "search_aliases", "output_tooltips", "essentials_category", "price_badge"];

/** ComfyUI's description of nodes without its texts for people: names, types, ranges and choices. */
export function interfaceOnly(value: unknown): unknown {
  return mapObjects(value, (key, inner) => PROSE.includes(key) ? undefined : inner);
}

/** An answer of POST /prompt without what differs from run to run or machine to machine. */
export function normalizeAnswer(answer: unknown): unknown {
  return mapObjects(interfaceOnly(answer), (key, inner) => {
    if (key === "prompt_id" && typeof inner === "string") return "PROMPT_ID";
    if (key === "number" && typeof inner === "number") return 0;
    // Frames with paths of the machine that recorded.
    if (key === "traceback" && Array.isArray(inner)) return ["TRACEBACK"];
    // ComfyUI walks over sets: these orders differ from process to process.
    if ((key === "errors" || key === "dependent_outputs") && Array.isArray(inner)) return inner.toSorted(byJson);
    return inner;
  });
}

function byJson(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

function mapObjects(value: unknown, replace: (key: string, inner: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => mapObjects(item, replace));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const replaced = replace(key, inner);
    return replaced === undefined ? [] : [[key, mapObjects(replaced, replace)]];
  });
  return Object.fromEntries(entries);
}
