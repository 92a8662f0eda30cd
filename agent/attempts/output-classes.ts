/** Which classes ComfyUI counts as outputs, read once per `/object_info` body. */
import { isRecord } from "../../contracts/workflow.ts";
import type { Comfy } from "../comfy/port.ts";

function readOutputClasses(body: string): Set<string> | null {
  try {
    const info: unknown = JSON.parse(body);
    if (!isRecord(info)) return null;
    const entries = Object.entries(info);
    return new Set(entries.flatMap(([name, node]) => (isRecord(node) && node.output_node === true ? [name] : [])));
  } catch {
    return null;
  }
}

/** The body has megabytes with many custom nodes, so it is read when ComfyUI gets ready and not when an attempt starts. */
export class OutputClasses {
  readonly #comfy: Comfy;
  #sha256: string | null = null;
  #classes: Set<string> | null = null;

  constructor(comfy: Comfy) {
    this.#comfy = comfy;
  }

  get current(): ReadonlySet<string> | null {
    return this.#classes;
  }

  refresh(): void {
    const info = this.#comfy.objectInfo();
    if (info === null || info.sha256 === this.#sha256) return;
    this.#sha256 = info.sha256;
    this.#classes = readOutputClasses(info.body);
  }
}
