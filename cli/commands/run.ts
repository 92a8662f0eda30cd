/** `comfyfleet run WORKFLOW.json | SERVICE`: submit, show progress, save the outputs. */
import { readFileSync } from "node:fs";
import {
  findService,
  type Fleet,
  FleetError,
  type Job,
  type JobHandle,
  type RunOptions,
  SERVICE_IDS,
  type Workflow,
} from "../../client/mod.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { Priority } from "../../contracts/job.ts";
import type { CliContext } from "../context.ts";
import { checkFolder, saveOutputs } from "../files/save-outputs.ts";
import { interruption, orAborted } from "../interruption.ts";
import { parseInputs } from "../inputs.ts";
import { parseLabels } from "../labels.ts";
import { EXIT } from "../output/exit-codes.ts";
import { duration, eventText } from "../output/job-lines.ts";
import { createProgressLine } from "../output/progress-line.ts";
import { parseServiceInputs } from "../service-inputs.ts";

export interface RunFlags {
  url?: string;
  key?: string;
  input?: string[];
  out: string;
  detach?: boolean;
  priority?: Priority;
  idempotencyKey?: string;
  label?: string[];
}

/** @throws FleetError `invalid_input` when the file cannot be read, `invalid_json` when it is none. */
export function readWorkflow(path: string): Workflow {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new FleetError("invalid_input", `Cannot read '${path}'`, {
      hint: `Check the path of the workflow, or name a service: ${SERVICE_IDS.join(", ")}.`,
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FleetError("invalid_json", `Cannot read '${path}': it is not valid JSON`, {
      hint: cause instanceof Error ? cause.message : undefined,
    });
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

/** Waits until the edge has the job. */
export async function accepted({ interrupted, command }: CliContext, handle: JobHandle): Promise<Job> {
  try {
    return await orAborted(handle.submitted, interrupted);
  } catch (error) {
    if (!interrupted.aborted) throw error;
    const hint =
      `The edge may have it: '${command} jobs ls' shows. With --idempotency-key a repeat finds the same job.`;
    throw interruption("submit the job", hint);
  }
}

/** Follows a job to its end and saves its outputs into `out`; null when interrupted before the end. */
export async function finish(context: CliContext, handle: JobHandle, out: string) {
  if (!(await follow(context, handle))) return null;
  const { command, interrupted } = context;
  const result = await handle.result().catch((error: unknown) => {
    if (interrupted.aborted) return null;
    throw error;
  });
  if (result === null) return null;
  const outputs = await saveOutputs(result, { out, signal: interrupted, command });
  return { jobId: result.job.id, state: "succeeded" as const, outputs, timing: result.receipt?.timing ?? null };
}

/** A service by its id or an alias, else a file; `./NAME` is a file whatever its name. */
function submit(fleet: Fleet, what: string, { input = [], options }: { input?: string[]; options: RunOptions }) {
  const service = findService(what);
  return service === null
    ? fleet.run(readWorkflow(what), parseInputs(input), options)
    : fleet.run(service, parseServiceInputs(service, input), options);
}

export async function run(context: CliContext, what: string, flags: RunFlags): Promise<number> {
  const { render, interrupted } = context;
  if (!flags.detach) checkFolder(flags.out);
  const options = {
    signal: interrupted,
    ...(flags.priority ? { priority: flags.priority } : {}),
    ...(flags.idempotencyKey ? { idempotencyKey: flags.idempotencyKey } : {}),
    ...(flags.label ? { metadata: parseLabels(flags.label) } : {}),
  };
  const handle = submit(context.fleet(flags), what, { ...(flags.input ? { input: flags.input } : {}), options });
  const job = await accepted(context, handle);
  render.say(`submitted ${job.id}${job.service ? ` with seed ${job.service.seed}` : ""}`);
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
