/** `comfyfleet jobs retry|replay`: a final job once more, and what came of that. */
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { EXIT, exitCodeOfJob } from "../output/exit-codes.ts";
import { replayLines } from "../output/replay-lines.ts";
import { compareJobs } from "../replay/compare.ts";
import type { JobsFlags } from "./jobs.ts";
import { accepted, follow } from "./run.ts";

export interface RepeatFlags extends JobsFlags {
  idempotencyKey?: string;
}

function retryOptions({ interrupted }: CliContext, { idempotencyKey }: RepeatFlags) {
  return { signal: interrupted, ...(idempotencyKey ? { idempotencyKey } : {}) };
}

export async function retryJob(context: CliContext, jobId: string, flags: RepeatFlags): Promise<number> {
  const { render, command } = context;
  const handle = context.fleet(flags).job(jobId).retry(retryOptions(context, flags));
  const job = await accepted(context, handle);
  render.result(job, `${job.id}\nIt repeats ${jobId}. Follow it with: ${command} jobs watch ${job.id}`);
  return EXIT.ok;
}

/** The exit code is that of the new job's end; whether it equals the old one is said, not judged. */
export async function replayJob(context: CliContext, jobId: string, flags: RepeatFlags): Promise<number> {
  const { render, interrupted, command } = context;
  const original = context.fleet(flags).job(jobId);
  const before = await orAborted(original.get(), interrupted);
  const handle = original.retry(retryOptions(context, flags));
  const { id } = await accepted(context, handle);
  render.say(`submitted ${id}, which repeats ${jobId}`);
  if (!(await follow(context, handle))) {
    render.say(`Detached. The job goes on; come back with: ${command} jobs watch ${id}`);
    if (render.json) render.result({ jobId: id, state: "detached" }, "");
    return EXIT.interrupted;
  }
  const after = await orAborted(handle.get(), interrupted);
  const replay = compareJobs(before, after);
  render.result(replay, replayLines(replay));
  return exitCodeOfJob(after.state, after.error?.code);
}
