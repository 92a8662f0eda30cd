// The options of a supervised fake ComfyUI, for tests and for the process that stands for an agent in them.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createGenerationJournal } from "../../../agent/comfy/generation-journal.ts";
import type { SupervisedComfyOptions } from "../../../agent/comfy/supervised/options.ts";
import type { ComfyTimings } from "../../../agent/comfy/timings.ts";
import { createSilentLogger } from "./silent-logger.ts";

export const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

/** Fast enough for a test, slow enough for a busy machine of two cores. */
export const FAST: Partial<ComfyTimings> = {
  readinessPollMs: 30,
  startQuietMs: 15_000,
  adoptWithinMs: 5_000,
  stopGraceMs: 3_000,
  processPollMs: 50,
  livenessEveryMs: 100,
  unresponsiveAfterMs: 10_000,
  backoffBaseMs: 50,
  backoffMaxMs: 400,
  logPollMs: 30,
  socketBackoffBaseMs: 30,
};

export type SupervisedSetup = {
  /** Below it lie the journal and ComfyUI's directories. Default: a new one. */
  stateDir?: string;
  port?: number;
  command?: readonly [string, ...string[]];
  args?: string[];
  timings?: Partial<ComfyTimings>;
  maxLogFileBytes?: number;
};

/** What the supervisor needs besides the setup; the same for the agent process of the adoption test. */
export function supervisedOptions(setup: SupervisedSetup & { stateDir: string }): SupervisedComfyOptions {
  return {
    command: setup.command ?? [process.execPath, "fake-comfy/main.ts"],
    cwd: REPOSITORY,
    args: ["--base-directory", setup.stateDir, "--disable-all-custom-nodes", ...setup.args ?? []],
    parentEnv: process.env,
    stateDir: setup.stateDir,
    port: setup.port ?? 0,
    journal: createGenerationJournal(join(setup.stateDir, "journal.sqlite")),
    logger: createSilentLogger(),
    signalProcess: (pid, signal) => void process.kill(pid, signal),
    timings: { ...FAST, ...setup.timings },
    ...(setup.maxLogFileBytes === undefined ? {} : { maxLogFileBytes: setup.maxLogFileBytes }),
  };
}
