/** Runs one node of a prompt: gathers its inputs, calls it, and turns what it throws into an error report. */
import { valueText } from "../nodes/tensor-text.ts";
import type { NodeClass, Value } from "../nodes/node-class.ts";
import { type Json, type JsonObject, PyError } from "../python.ts";
import { effectiveInputs } from "../validation/inputs.ts";
import type { CacheEntry } from "./cache.ts";
import type { Environment } from "./environment.ts";
import { InterruptError } from "./interrupt.ts";
import { classTypeOf, inputsOf, linkOf } from "./links.ts";
import { textFrame } from "../socket/frames.ts";
import { nodeProgress } from "./node-progress.ts";
import type { PromptRun } from "./prompt-run.ts";

/** How a node ended. */
export type NodeEnd =
  | { readonly kind: "done"; readonly entry: CacheEntry }
  | { readonly kind: "interrupted" }
  | { readonly kind: "failed"; readonly report: JsonObject };

/** What a node run needs besides the prompt. */
export interface NodeRunOptions {
  readonly nodeClass: NodeClass;
  /** Random letters of this node's instance. */
  readonly instanceTag: () => string;
  /** The outputs of a node that ran before, or were cached. */
  readonly entryOf: (nodeId: string) => CacheEntry | undefined;
}

/** Runs the node. Never throws what the node throws. */
export async function runNode(
  environment: Environment,
  run: PromptRun,
  node: { nodeId: string } & NodeRunOptions,
): Promise<NodeEnd> {
  const { nodeId } = node;
  const given = gatherInputs(run, node);
  try {
    run.progress.start(nodeId);
    run.sendProgressState();
    environment.focus.lastNodeId = run.clientId === null ? environment.focus.lastNodeId : nodeId;
    run.tell("executing", { node: nodeId, display_node: nodeId, prompt_id: run.promptId });
    if (environment.faults.any) {
      const classType = classTypeOf(run.graph, nodeId);
      await environment.faults.nodeStarts({ nodeId, classType, promptId: run.promptId });
    }
    environment.interrupt.check();
    const result = await node.nodeClass.run(given, {
      directories: environment.options.directories,
      disableMetadata: environment.options.disableMetadata,
      graph: run.graph,
      extraPngInfo: run.extraPngInfo,
      instanceTag: node.instanceTag,
      print: (text) => environment.log.print(text),
      showText: (text) => environment.hub.sendBinary(textFrame(nodeId, text), null),
      progress: (total) => nodeProgress(environment, run, { nodeId, total }),
    });
    const meta = { node_id: nodeId, display_node: nodeId, parent_node: null, real_node_id: nodeId };
    return {
      kind: "done",
      entry: { outputs: result.outputs, ui: result.ui === undefined ? null : { meta, output: result.ui } },
    };
  } catch (error) {
    if (error instanceof InterruptError) return { kind: "interrupted" };
    return { kind: "failed", report: errorReport(error, node.nodeClass, given) };
  }
}

function gatherInputs(run: PromptRun, node: { nodeId: string } & NodeRunOptions): Record<string, Value> {
  const inputs = inputsOf(run.graph, node.nodeId);
  const known = new Set(effectiveInputs(node.nodeClass, inputs).map(([name]) => name));
  const gathered: Record<string, Value> = {};
  for (const [name, value] of Object.entries(inputs)) {
    const link = linkOf(value);
    if (link !== null) gathered[name] = node.entryOf(link.nodeId)?.outputs.at(link.slot) ?? null;
    else if (known.has(name)) gathered[name] = value;
  }
  for (const [name, type] of Object.entries(node.nodeClass.hidden ?? {})) {
    if (type === "API_KEY_COMFY_ORG") gathered[name] = run.extraData["api_key_comfy_org"] ?? null;
  }
  return gathered;
}

function errorReport(error: unknown, nodeClass: NodeClass, given: Readonly<Record<string, Value>>): JsonObject {
  const { type, message } = described(error);
  const inputs = Object.entries(given).map(([name, value]): [string, Json] => [name, [valueText(value)]]);
  return {
    exception_message: `${message}\n`,
    exception_type: type,
    traceback: [`  File "fake-comfy", in ${nodeClass.name}\n    ${type}: ${message}\n`],
    current_inputs: Object.fromEntries(inputs),
  };
}

/** File system errors get the names Python has for them; everything else unforeseen is a RuntimeError. */
function described(error: unknown): { type: string; message: string } {
  if (error instanceof PyError) return { type: error.type, message: error.message };
  if (!(error instanceof Error)) return { type: "RuntimeError", message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const types: Readonly<Record<string, string>> = {
    ENOENT: "FileNotFoundError",
    EACCES: "PermissionError",
    EISDIR: "IsADirectoryError",
    ENOTDIR: "NotADirectoryError",
    ENOSPC: "OSError",
  };
  return { type: types[code] ?? "RuntimeError", message: error.message };
}
