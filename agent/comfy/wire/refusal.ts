/** What ComfyUI says when it does not take a prompt, as a typed error with the nodes to blame. */
import { z } from "zod";
import type { JobError } from "../../../contracts/job.ts";
import { withoutPaths } from "./without-paths.ts";

const Problem = z.object({
  type: z.string().nullish(),
  message: z.string().nullish(),
  details: z.string().nullish(),
  extra_info: z.object({
    input_name: z.string().nullish(),
    node_id: z.union([z.string(), z.number()]).nullish(),
    class_type: z.string().nullish(),
  }).nullish().catch(null),
});
type Problem = z.infer<typeof Problem>;

const NodeErrors = z.record(
  z.string(),
  z.object({ errors: z.array(Problem).nullish(), class_type: z.string().nullish() }),
);

/** Body of POST /prompt's answer, of any status. */
export const PromptAnswer = z.object({
  prompt_id: z.string().nullish(),
  error: z.union([Problem, z.string()]).nullish(),
  node_errors: NodeErrors.nullish().catch(null),
});
export type PromptAnswer = z.infer<typeof PromptAnswer>;

type NodeProblems = NonNullable<JobError["nodeErrors"]>;

const HINT = "Correct the named inputs and submit again; services and pods list what each class accepts.";

/** True when ComfyUI took the prompt but dropped outputs that it found wrong. */
export function hasNodeErrors(answer: PromptAnswer): boolean {
  return Object.keys(answer.node_errors ?? {}).length > 0;
}

/** The error of a refused prompt: 400, or 200 with node errors. */
export function refusal(answer: PromptAnswer): JobError {
  const top: Problem | null = typeof answer.error === "string" ? { message: answer.error } : answer.error ?? null;
  const nodeErrors = nodeProblems(answer, top);
  const [first] = Object.entries(nodeErrors);
  const nodeId = first?.[0] ?? null;
  const blamed = first?.[1][0];
  const reason = blamed === undefined
    ? describe(top)
    : `node ${nodeId}, ${blamed.field}: ${blamed.reason}${moreThan(nodeErrors)}`;
  const classType = nodeId === null ? null : answer.node_errors?.[nodeId]?.class_type ?? top?.extra_info?.class_type;
  return {
    code: "invalid_workflow",
    message: `Cannot run the workflow: ${reason}`,
    hint: HINT,
    nodeId,
    classType: classType ?? null,
    exceptionType: null,
    nodeErrors: first === undefined ? null : nodeErrors,
  };
}

function nodeProblems(answer: PromptAnswer, top: Problem | null): NodeProblems {
  const problems: NodeProblems = {};
  for (const [nodeId, node] of Object.entries(answer.node_errors ?? {})) {
    const list = (node.errors ?? []).map((problem) => {
      const field = fieldOf(problem);
      return { field, reason: describe(problem, field) };
    });
    // A node that only depends on a wrong one has no errors of its own.
    if (list.length > 0) problems[nodeId] = list;
  }
  const missing = top?.extra_info?.node_id;
  if (top?.type === "missing_node_type" && missing !== null && missing !== undefined) {
    problems[String(missing)] = [{ field: "class_type", reason: describe(top) }];
  }
  return problems;
}

function fieldOf(problem: Problem): string {
  const named = problem.extra_info?.input_name;
  if (named) return named;
  const details = problem.details ?? "";
  switch (problem.type) {
    case "required_input_missing":
    case "bad_linked_input":
      return details || "inputs";
    case "custom_validation_failed":
      return /^(\w+) - /.exec(details)?.[1] ?? "inputs";
    default:
      return "inputs";
  }
}

/** Message and details in one, without what is said twice. */
function describe(problem: Problem | null, field = ""): string {
  const message = withoutPaths(problem?.message?.trim() ?? "");
  const text = withoutPaths(problem?.details?.trim() ?? "");
  const details = text === field ? "" : text;
  if (message === "") return details || "ComfyUI gave no reason";
  return details === "" || message.includes(details) ? message : `${message}: ${details}`;
}

function moreThan(problems: NodeProblems): string {
  const rest = Object.values(problems).flat().length - 1;
  return rest > 0 ? ` (and ${rest} more)` : "";
}
