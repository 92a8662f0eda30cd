/** What a node class is: its interface as `/object_info` shows it, and what it does. */
import type { Directories } from "../directories.ts";
import type { ImageBatch, MaskBatch } from "../images/frame.ts";
import type { Json, JsonObject } from "../python.ts";
import type { Graph } from "../queue/prompt-queue.ts";

/** What travels along a link, or a constant of the graph. */
export type Value = Json | ImageBatch | MaskBatch;

/** One input: a type name or a list of choices, and its options (`default`, `min`, `max`, `options`, …). */
export interface InputSpec {
  readonly type: string | readonly string[];
  /** Absent for inputs that `/object_info` shows without an options object. */
  readonly options?: JsonObject;
}

/** What a node hands on. */
export interface NodeResult {
  readonly outputs: readonly Value[];
  /** What clients and the history get to see; absent for nodes that show nothing. */
  readonly ui?: JsonObject;
}

/** What a node may use while it runs. */
export interface NodeContext {
  readonly directories: Directories;
  /** PNG text chunks are left out. */
  readonly disableMetadata: boolean;
  readonly graph: Graph;
  readonly extraPngInfo: Json;
  /** Random letters that stay the same while the node stays in consecutive prompts. */
  readonly instanceTag: () => string;
  /** Writes a line to standard output, as Python's does. */
  readonly print: (text: string) => void;
  /** Shows a text on the node; every client gets it, whoever's prompt it is. */
  readonly showText: (text: string) => void;
  /** Starts a progress bar of `total` steps. */
  readonly progress: (total: number) => ProgressSteps;
}

/** A progress bar of a running node. */
export interface ProgressSteps {
  /**
   * Ends one step: waits until the step's time is over, tells clients and obeys an interrupt.
   * @param frame the picture a preview would show, and whose size sets the step's time
   * @throws {InterruptError} when the prompt was interrupted
   */
  readonly step: (frame: ImageBatch["first"]) => Promise<void>;
}

/** One node class. */
export interface NodeClass {
  readonly name: string;
  /** The required ones. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly optionalInputs?: Readonly<Record<string, InputSpec>>;
  /** Inputs that the server fills in itself, by what it fills in; a node is given its `API_KEY_COMFY_ORG` as an input. */
  readonly hidden?: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  /** How Python names the container of `outputs` in its index errors. */
  readonly outputsKind: "tuple" | "list";
  readonly isOutputNode: boolean;
  /** The object that `/object_info` shows. */
  readonly describe: (directories: Directories) => JsonObject;
  /** Input names whose choices and ranges are not checked because `validate` sees to them. */
  readonly validatedInputs: readonly string[];
  /** Returns true, or the reason why not. @throws {PyError} */
  readonly validate?: (value: Json, directories: Directories) => true | string;
  /** Changes when the node has to run again although its inputs are the same. @throws {PyError} */
  readonly fingerprint?: (inputs: JsonObject, directories: Directories) => Promise<string>;
  readonly run: (inputs: Readonly<Record<string, Value>>, context: NodeContext) => NodeResult | Promise<NodeResult>;
}
