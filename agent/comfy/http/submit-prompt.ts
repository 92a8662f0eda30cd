/** POST /prompt, once: ComfyUI does not refuse an id that it has, it runs it twice. */
import type { Workflow } from "../../../contracts/workflow.ts";
import type { JobError } from "../../../contracts/job.ts";
import type { PromptLookup, PromptSubmission } from "../port.ts";
import { hasNodeErrors, PromptAnswer, refusal } from "../wire/refusal.ts";
import { parseReply, unexpected } from "./call.ts";
import type { Reply } from "./exchange.ts";
import type { BoundCall } from "./prompt-lookup.ts";

export interface SubmitContext {
  send: BoundCall;
  clientId: string;
  timeoutMs: number;
  lookup: (promptId: string, signal: AbortSignal) => Promise<PromptLookup>;
}

export interface Prompt {
  promptId: string;
  workflow: Workflow;
  previews: boolean;
  /** W3C trace context, kept as `extra_data.traceparent`; not in `extra_pnginfo`, which is written into pictures. */
  traceparent?: string | null;
  /** ComfyUI keeps it out of its queue and its history, and gives it to nodes as the hidden input `API_KEY_COMFY_ORG`. */
  partnerKey?: string | null;
}

const SUBMIT = "submit a prompt";

/** @throws FleetError `comfy_unavailable` when it stays unknown whether ComfyUI has the prompt */
export async function submitPrompt(
  context: SubmitContext,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<PromptSubmission> {
  const reply = await context.send({
    method: "POST",
    path: "/prompt",
    json: {
      prompt: prompt.workflow,
      prompt_id: prompt.promptId,
      client_id: context.clientId,
      extra_data: {
        ...(prompt.previews ? { preview_method: "auto" } : {}),
        ...(prompt.traceparent == null ? {} : { traceparent: prompt.traceparent }),
        ...(prompt.partnerKey == null ? {} : { api_key_comfy_org: prompt.partnerKey }),
      },
    },
    timeoutMs: context.timeoutMs,
    signal,
  });
  switch (reply.status) {
    case 200:
      return readTaken(reply);
    case 400:
      return { status: "refused", error: refusal(answerOf(reply.text)) };
    case 413:
      return { status: "refused", error: tooLarge() };
    case 500: {
      // Text, not JSON: ComfyUI stumbled over the graph. Some ways of stumbling leave the prompt in the queue.
      const known = await context.lookup(prompt.promptId, signal);
      if (known.status === "unknown") return { status: "refused", error: stumbled() };
      throw unexpected(SUBMIT, reply);
    }
    default:
      throw unexpected(SUBMIT, reply);
  }
}

function readTaken(reply: Reply): PromptSubmission {
  const answer = parseReply(SUBMIT, reply, PromptAnswer);
  return hasNodeErrors(answer) ? { status: "taken_in_part", error: refusal(answer) } : { status: "accepted" };
}

function answerOf(text: string): PromptAnswer {
  try {
    return PromptAnswer.parse(JSON.parse(text));
  } catch {
    return { error: { message: text.slice(0, 500) } };
  }
}

function tooLarge(): JobError {
  return {
    code: "payload_too_large",
    message: "Cannot run the workflow: it is larger than ComfyUI takes",
    hint: "Upload large inputs as assets instead of putting them into the graph.",
  };
}

function stumbled(): JobError {
  return {
    code: "invalid_workflow",
    message: "Cannot run the workflow: ComfyUI failed while it checked it",
    hint: "The pod's ComfyUI log names the cause; a custom node's own check is the usual one.",
  };
}
