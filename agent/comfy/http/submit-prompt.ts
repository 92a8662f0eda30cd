/** POST /prompt, never blindly repeated: ComfyUI does not refuse an id that it has, it runs it twice. */
import { FleetError } from "../../../contracts/errors.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import type { JobError } from "../../../contracts/job.ts";
import type { PromptLookup, PromptSubmission } from "../port.ts";
import { hasNodeErrors, PromptAnswer, refusal } from "../wire/refusal.ts";
import { isRefused, parseReply, type Reply, unexpected } from "./call.ts";
import type { BoundCall } from "./prompt-lookup.ts";

export interface SubmitContext {
  send: BoundCall;
  clientId: string;
  timeoutMs: number;
  lookup: (promptId: string, signal: AbortSignal) => Promise<PromptLookup>;
  /** Takes a prompt back that must not run. */
  withdraw: (promptId: string, signal: AbortSignal) => Promise<void>;
  /** Ids whose POST got no answer; kept over calls, so that a repeated submit looks them up first. */
  unanswered: Set<string>;
}

export interface Prompt {
  promptId: string;
  workflow: Workflow;
  previews: boolean;
}

/** One POST may be lost to a stale connection; the second failure is the caller's to judge. */
const MAX_POSTS = 2;

/** @throws FleetError `comfy_unavailable` when it stays unknown whether ComfyUI has the prompt */
export async function submitPrompt(
  context: SubmitContext,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<PromptSubmission> {
  for (let posts = 0;; posts++) {
    if (context.unanswered.has(prompt.promptId)) {
      const known = await context.lookup(prompt.promptId, signal);
      if (known.status !== "unknown") {
        context.unanswered.delete(prompt.promptId);
        return { status: "accepted" };
      }
    }
    try {
      const reply = await post(context, prompt, signal);
      context.unanswered.delete(prompt.promptId);
      return await read(context, prompt, { reply, signal });
    } catch (error) {
      if (isRefused(error) || isTimeout(error) || signal.aborted || posts + 1 >= MAX_POSTS) throw error;
      if (!context.unanswered.has(prompt.promptId)) throw error;
    }
  }
}

async function post(context: SubmitContext, prompt: Prompt, signal: AbortSignal): Promise<Reply> {
  context.unanswered.add(prompt.promptId);
  return await context.send({
    method: "POST",
    path: "/prompt",
    json: {
      prompt: prompt.workflow,
      prompt_id: prompt.promptId,
      client_id: context.clientId,
      extra_data: prompt.previews ? { preview_method: "auto" } : {},
    },
    timeoutMs: context.timeoutMs,
    signal,
  });
}

async function read(
  context: SubmitContext,
  prompt: Prompt,
  { reply, signal }: { reply: Reply; signal: AbortSignal },
): Promise<PromptSubmission> {
  switch (reply.status) {
    case 200: {
      const answer = parseReply("submit a prompt", reply, PromptAnswer);
      if (!hasNodeErrors(answer)) return { status: "accepted" };
      // ComfyUI runs what is left of the graph; nobody asked for that.
      await context.withdraw(prompt.promptId, signal);
      return { status: "refused", error: refusal(answer) };
    }
    case 400:
      return { status: "refused", error: refusal(answerOf(reply.text)) };
    case 413:
      return { status: "refused", error: tooLarge() };
    case 500: {
      // Text, not JSON: ComfyUI stumbled over the graph. Some ways of stumbling leave the prompt in the queue.
      const known = await context.lookup(prompt.promptId, signal);
      return known.status === "unknown" ? { status: "refused", error: stumbled() } : { status: "accepted" };
    }
    default:
      throw unexpected("submit a prompt", reply);
  }
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

/** The server may still be checking the prompt: a second POST could run it twice. */
function isTimeout(error: unknown): boolean {
  return FleetError.is(error) && error.cause instanceof Error && error.cause.name === "TimeoutError";
}
