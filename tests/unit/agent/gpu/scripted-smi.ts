// An nvidia-smi that does what a test tells it, on a clock that the test moves.
import { GpuService } from "../../../../agent/gpu/gpu-service.ts";
import type { SmiExit } from "../../../../agent/gpu/smi/failure.ts";
import type { StartSmi } from "../../../../agent/gpu/smi/process.ts";
import { createSilentLogger, type RecordedLine } from "../../../support/comfy/silent-logger.ts";
import { createVirtualClock } from "../../../support/comfy/virtual-clock.ts";
import { type GpuKind, helpOf } from "../../../support/gpu/kinds.ts";
import { lineOf } from "./rows.ts";

export interface ScriptedRun {
  args: readonly string[];
  killed: boolean;
  ended: boolean;
  say(line: string): void;
  end(exit: Partial<SmiExit>): void;
}

export interface ScriptedProbe {
  gpu: GpuService;
  clock: ReturnType<typeof createVirtualClock>;
  /** Every run of the loop so far; those of `--help-query-gpu` are answered by themselves. */
  loops: ScriptedRun[];
  lines: RecordedLine[];
  /** What `--help-query-gpu` does. Default: prints the kind's fields and ends well. */
  help: { answer: (run: ScriptedRun) => void };
  /** Whether a killed process ends. */
  mortal: boolean;
  loop(): ScriptedRun;
  /** One round of rows from the loop, then the time to the next. */
  round(cells?: Readonly<Record<string, string>>): Promise<void>;
}

export const INTERVAL_MS = 5_000;

/** Started, with the first loop running. */
export async function startScripted(kind: GpuKind): Promise<ScriptedProbe> {
  const clock = createVirtualClock();
  const loops: ScriptedRun[] = [];
  const lines: RecordedLine[] = [];
  const help = {
    answer(run: ScriptedRun) {
      for (const line of helpOf(kind).split("\n")) run.say(line);
      run.end({ code: 0 });
    },
  };
  const startSmi: StartSmi = (args, onLine) => {
    const end = Promise.withResolvers<SmiExit>();
    const run: ScriptedRun = {
      args,
      killed: false,
      ended: false,
      say: onLine,
      end(exit) {
        run.ended = true;
        end.resolve({ code: null, signal: null, error: null, ...exit });
      },
    };
    if (args[0] === "--help-query-gpu") help.answer(run);
    else loops.push(run);
    return {
      exited: end.promise,
      kill() {
        run.killed = true;
        if (probe.mortal) run.end({ signal: "SIGKILL" });
      },
    };
  };
  const gpu = new GpuService({
    startSmi,
    clock,
    random: () => 1,
    logger: createSilentLogger(lines),
    intervalMs: INTERVAL_MS,
  });
  const probe: ScriptedProbe = {
    gpu,
    clock,
    loops,
    lines,
    help,
    mortal: true,
    loop() {
      const run = loops.at(-1);
      if (!run) throw new Error("nvidia-smi was not started");
      return run;
    },
    async round(cells = kind.load) {
      probe.loop().say(lineOf(kind, cells));
      await clock.advance(INTERVAL_MS);
    },
  };
  gpu.start();
  await clock.advance(0);
  return probe;
}
