/** What a supervised ComfyUI is told at its creation. */
import type { spawn } from "node:child_process";
import type { Logger } from "../../telemetry/logger.ts";
import type { Clock } from "../clock.ts";
import type { GenerationJournal } from "../generation-journal.ts";
import type { Fetch } from "../http/call.ts";
import type { ReadGroupRss } from "../process/group-memory.ts";
import type { SignalProcess } from "../process/process-group.ts";
import type { ProcessTable } from "../process/process-table.ts";
import type { ComfyTimings } from "../timings.ts";
import type { MemoryLimits } from "../watchdogs/memory-limits.ts";

export interface SupervisedComfyOptions {
  /** The program and its first arguments, e.g. `["/venv/bin/python", "main.py"]`; ComfyUI's flags are appended. */
  command: readonly [string, ...string[]];
  /** ComfyUI's own directory: relative paths in `command` and its models are found from here. */
  cwd: string;
  /** Extra ComfyUI flags, appended last. Those that the agent owns are refused. Default: none. */
  args?: readonly string[];
  /** Whether it loads the nodes that call out to others. Default: no. */
  partnerNodes?: boolean;
  /** Added to the child's environment, which else holds only what ComfyUI needs. Default: nothing. */
  env?: Readonly<Record<string, string>>;
  /** The agent's own environment; a few variables of it are passed on (see child-environment.ts). */
  parentEnv: Readonly<Record<string, string | undefined>>;
  /** `comfy/` below it is ours: directories, log, front end. */
  stateDir: string;
  /** On 127.0.0.1. 0 takes a free one for every generation. */
  port: number;
  journal: GenerationJournal;
  logger: Logger;
  /** Takes what nobody is to see out of a line of ComfyUI's log before anything is made of it. Default: nothing. */
  redactLine?: (text: string) => string;
  /** `process.kill`, as the entry point passes it in. */
  signalProcess: SignalProcess;
  /** Overrides of {@link ComfyTimings}. */
  timings?: Partial<ComfyTimings>;
  /** The log file is cut at this length. Default: 16 MB. */
  maxLogFileBytes?: number;
  /** Limits of its memory. Default: none. */
  memoryLimits?: MemoryLimits;
  /** Default: the real ones. */
  clock?: Clock;
  random?: () => number;
  fetch?: Fetch;
  spawn?: typeof spawn;
  processTable?: ProcessTable;
  readGroupRss?: ReadGroupRss;
  randomUuid?: () => string;
}

/** The same with every default in place. */
export type SupervisedContext =
  & Required<Omit<SupervisedComfyOptions, "timings" | "journal">>
  & Pick<SupervisedComfyOptions, "journal">
  & { timings: ComfyTimings };
