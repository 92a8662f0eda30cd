/** `comfyfleet run WORKFLOW.json`: submit, show progress, save the outputs. */
import { readFileSync } from "node:fs";
import { file, FleetError, type InputValues, type JobHandle, type Workflow } from "../../client/mod.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { Priority } from "../../contracts/job.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { freePath } from "../output/free-path.ts";
import { duration, eventText } from "../output/job-lines.ts";
import { createProgressLine } from "../output/progress-line.ts";

export interface RunFlags {
  url?: string;
  key?: string;
  input?: string[];
  out: string;
  detach?: boolean;
  priority?: Priority;
  idempotencyKey?: string;
}

/** One saved output, as `--json` shows it. */
export interface SavedOutput {
  path: string;
  sha256: string;
  sizeBytes: number;
  contentType: string;
}

/** @throws FleetError `invalid_input` when the file cannot be read, `invalid_json` when it is none. */
export function readWorkflow(path: string): Workflow {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new FleetError("invalid_input", `Cannot read '${path}'`, { hint: "Check the path of the workflow.", cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FleetError("invalid_json", `Cannot read '${path}': it is not valid JSON`, {
      hint: cause instanceof Error ? cause.message : undefined,
    });
  }
}

/** `NODE.INPUT=v`: JSON where it is JSON, else text; `@path` uploads a file, `@@…` is text that starts with `@`. */
export function parseInputs(inputs: readonly string[]): InputValues {
  const values: InputValues = {};
  for (const input of inputs) {
    const at = input.indexOf("=");
    if (at <= 0) {
      throw new FleetError("invalid_input", `Cannot read --input '${input}': expected NODE.INPUT=VALUE`, {
        hint: "For example --input 6.text='a cat', --input 'Load Image.image=@cat.png'.",
      });
    }
    const text = input.slice(at + 1);
    values[input.slice(0, at)] = parseValue(text);
  }
  return values;
}

function parseValue(text: string): InputValues[string] {
  if (text.startsWith("@@")) return text.slice(1);
  if (text.startsWith("@")) return file(text.slice(1));
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Shows progress until the job is final. @returns false when interrupted: the job goes on. */
export async function follow(context: CliContext, handle: JobHandle): Promise<boolean> {
  const { terminal, render, interrupted } = context;
  const bar = createProgressLine(terminal.stderr);
  let shown = "";
  try {
    for await (const event of handle.watch({ signal: interrupted })) {
      if (render.json) continue;
      if (event.type === "progress") bar.update(event.progress);
      const text = eventText(event);
      if (text !== null && text !== shown && !(event.type === "status" && isTerminal(event.state))) {
        bar.clear();
        render.say(text);
        shown = text;
      }
    }
    return true;
  } catch (error) {
    if (interrupted.aborted) return false;
    throw error;
  } finally {
    bar.clear();
  }
}

/** Follows a job to its end and saves its outputs into `out`. */
export async function finish(context: CliContext, handle: JobHandle, out: string) {
  const job = await handle.submitted;
  if (!(await follow(context, handle))) return null;
  const { outputs, receipt } = await handle.result();
  const saved: SavedOutput[] = [];
  for (const output of outputs) {
    const path = await output.save(freePath(out, output.name));
    saved.push({ path, sha256: output.sha256, sizeBytes: output.sizeBytes, contentType: output.contentType });
  }
  return { jobId: job.id, state: "succeeded" as const, outputs: saved, timing: receipt?.timing ?? null };
}

export async function run(context: CliContext, workflowPath: string, flags: RunFlags): Promise<number> {
  const { render, interrupted } = context;
  const handle = context.fleet(flags).run(readWorkflow(workflowPath), parseInputs(flags.input ?? []), {
    signal: interrupted,
    ...(flags.priority ? { priority: flags.priority } : {}),
    ...(flags.idempotencyKey ? { idempotencyKey: flags.idempotencyKey } : {}),
  });
  const job = await handle.submitted;
  render.say(`submitted ${job.id}`);
  if (flags.detach) {
    render.result(
      { jobId: job.id, state: job.state },
      `${job.id}\nFollow it with: ${context.command} jobs watch ${job.id}`,
    );
    return EXIT.ok;
  }
  const result = await finish(context, handle, flags.out);
  if (!result) {
    render.say(`Detached. The job goes on; come back with: ${context.command} jobs watch ${job.id}`);
    if (render.json) render.result({ jobId: job.id, state: "detached" }, "");
    return EXIT.interrupted;
  }
  const took = result.timing ? ` in ${duration(result.timing.totalMs)}` : "";
  const lines = result.outputs.map((output) => output.path).join("\n");
  render.say(`succeeded${took}`);
  render.result(result, lines || "The workflow saved nothing.");
  return EXIT.ok;
}
