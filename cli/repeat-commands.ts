/** `comfyfleet jobs retry|replay`: a final job once more. */
import type { Command } from "commander";
import { replayJob, retryJob } from "./commands/repeat.ts";
import type { CommandTools } from "./operator-commands.ts";

export function addRepeatCommands(jobs: Command, { perform, signIn }: Pick<CommandTools, "perform" | "signIn">): void {
  const one = (name: string, about: string) =>
    signIn(jobs.command(name).argument("<job>").description(about))
      .option("--idempotency-key <key>", "same key: the same new job");
  one("retry", "a new job with the spec and seed of a final one")
    .action((jobId, flags) => perform(flags, (context) => retryJob(context, jobId, flags)));
  one("replay", "run a final job again, and tell what differs")
    .action((jobId, flags) => perform(flags, (context) => replayJob(context, jobId, flags)));
}
