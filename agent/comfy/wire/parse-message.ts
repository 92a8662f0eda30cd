/** ComfyUI's WebSocket text frames → our messages. Unknown types, and known ones of an unknown shape, are null. */
import { z } from "zod";
import type { ComfyMessage } from "../port.ts";
import { ExecutionError, executionFailure, isExecutionBlocked } from "./job-error.ts";
import { walkOutputs } from "./outputs.ts";

/** `status` goes to everybody whenever the queue changes; the socket uses it as a sign of life. */
export type ParsedFrame = { type: "status"; queueRemaining: number | null } | ComfyMessage;

const Status = z.object({
  status: z.object({ exec_info: z.object({ queue_remaining: z.number().nullish() }).nullish() }).nullish(),
});
const OfPrompt = z.object({ prompt_id: z.string() });
const Cached = OfPrompt.extend({ nodes: z.array(z.string()).nullish() });
/** `display_node` is the graph's own node where `node` is one that it expanded into. */
const Executing = OfPrompt.extend({ node: z.string().nullable(), display_node: z.string().nullish() });
const Executed = OfPrompt.extend({
  node: z.string(),
  display_node: z.string().nullish(),
  output: z.unknown().optional(),
});
const Step = OfPrompt.extend({ node: z.string(), value: z.number(), max: z.number() });

const Envelope = z.object({ type: z.string(), data: z.unknown().optional() });

/**
 * `progress_state` lists every node at every tick (18 MB for a chain of 300): it says nothing that `executing` and
 * `progress` do not, so it is not even parsed.
 */
const IGNORED = /^\{"type":\s*"progress_state"/;

export function parseMessage(text: string): ParsedFrame | null {
  if (IGNORED.test(text)) return null;
  const envelope = Envelope.safeParse(parseJson(text));
  if (!envelope.success) return null;
  const { type, data } = envelope.data;
  switch (type) {
    case "status":
      return read(Status, data, (body) => ({
        type: "status",
        queueRemaining: body.status?.exec_info?.queue_remaining ?? null,
      }));
    case "execution_start":
      return read(OfPrompt, data, (body) => ({ type: "started", promptId: body.prompt_id }));
    case "execution_interrupted":
      return read(OfPrompt, data, (body) => ({ type: "interrupted", promptId: body.prompt_id }));
    case "execution_cached":
      return read(Cached, data, (body) => ({ type: "cached", promptId: body.prompt_id, nodes: body.nodes ?? [] }));
    case "executed":
      return read(Executed, data, executed);
    case "executing":
      return read(Executing, data, executing);
    case "progress":
      return read(Step, data, (body) => ({
        type: "step",
        promptId: body.prompt_id,
        nodeId: body.node,
        step: body.value,
        steps: body.max,
      }));
    case "execution_error":
      return read(ExecutionError, data, failed);
    default:
      return null;
  }
}

/**
 * `executing` without a node is the last message of a prompt: only then its history is sure to be written, which at
 * `execution_success` it is not.
 */
function executing(body: z.infer<typeof Executing>): ParsedFrame {
  return body.node === null
    ? { type: "finished", promptId: body.prompt_id }
    : { type: "executing", promptId: body.prompt_id, nodeId: body.display_node ?? body.node };
}

function executed({ prompt_id, node, display_node, output }: z.infer<typeof Executed>): ParsedFrame {
  const made = walkOutputs({ [node]: output });
  const hasMade = made.files.length > 0 || made.texts.length > 0;
  return { type: "executed", promptId: prompt_id, nodeId: display_node ?? node, ...(hasMade ? { made } : {}) };
}

function failed(error: ExecutionError): ParsedFrame | null {
  if (!error.prompt_id || isExecutionBlocked(error)) return null;
  return { type: "failed", promptId: error.prompt_id, error: executionFailure(error) };
}

function read<T>(schema: z.ZodType<T>, data: unknown, map: (body: T) => ParsedFrame | null): ParsedFrame | null {
  const body = schema.safeParse(data);
  return body.success ? map(body.data) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
