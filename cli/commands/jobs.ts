/** `comfyfleet jobs ls|get|watch|cancel`. */
import type { Job } from "../../client/mod.ts";
import { isTerminal, JobState } from "../../contracts/job-state.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { parseLabels } from "../labels.ts";
import { EXIT, exitCodeOfJob } from "../output/exit-codes.ts";
import { eventText, jobDetails, jobRow } from "../output/job-lines.ts";
import { type PageFlags, printPage } from "../page.ts";
import { createProgressLine } from "../output/progress-line.ts";

export interface JobsFlags {
  url?: string;
  key?: string;
}

export interface ListFlags extends PageFlags {
  state?: string[];
  label?: string[];
}

export async function listJobs(context: CliContext, flags: ListFlags): Promise<number> {
  const state = (flags.state ?? []).map((name) => {
    const parsed = JobState.safeParse(name);
    if (parsed.success) return parsed.data;
    throw new FleetError("invalid_input", `Cannot list jobs: '${name}' is no state`, {
      hint: `States are ${JobState.options.join(", ")}.`,
    });
  });
  const filter = {
    ...(state.length > 0 ? { state } : {}),
    ...(flags.label ? { metadata: parseLabels(flags.label) } : {}),
  };
  const listed = context.fleet(flags).call((trpc) =>
    trpc.jobs.list.query({ limit: flags.limit, cursor: flags.cursor, ...filter })
  );
  const page = await orAborted(listed, context.interrupted);
  const none = `No jobs yet. Start one with: ${context.command} run WORKFLOW.json`;
  return printPage(context, page, { text: page.items.map(jobRow).join("\n"), none });
}

export async function getJob(context: CliContext, jobId: string, flags: JobsFlags): Promise<number> {
  const job = await orAborted(context.fleet(flags).job(jobId).get(), context.interrupted);
  context.render.result(job, jobDetails(job));
  return EXIT.ok;
}

export async function cancelJob(context: CliContext, jobId: string, flags: JobsFlags): Promise<number> {
  const job = await orAborted(context.fleet(flags).job(jobId).cancel(), context.interrupted);
  const already = isTerminal(job.state) && job.state !== "canceled";
  context.render.result(job, already ? `${job.id} had ended already: ${job.state}` : `${job.id} is ${job.state}`);
  return EXIT.ok;
}

export async function watchJob(context: CliContext, jobId: string, flags: JobsFlags): Promise<number> {
  const { render, terminal, interrupted } = context;
  const handle = context.fleet(flags).job(jobId);
  const bar = createProgressLine(terminal.stderr);
  let final: Job | null = null;
  try {
    await orAborted(handle.submitted, interrupted);
    for await (const event of handle.watch({ signal: interrupted })) {
      if (!render.json && event.type === "progress") {
        bar.update(event.progress);
        continue;
      }
      bar.clear();
      render.event(event, eventText(event));
      if (event.type === "status" && event.job && isTerminal(event.state)) final = event.job;
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
    render.say(`Detached. The job goes on; come back with: ${context.command} jobs watch ${jobId}`);
    if (render.json) render.result({ jobId, state: "detached" }, "");
    return EXIT.interrupted;
  } finally {
    bar.clear();
  }
  final ??= await handle.get();
  render.result(final, jobDetails(final));
  return exitCodeOfJob(final.state, final.error?.code);
}
