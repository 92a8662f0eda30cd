/** The command line of the benchmark. */
import { parseArgs } from "node:util";

export interface BenchFlags {
  json: boolean;
  /** Also the job part on a real ComfyUI on the CPU. */
  real: boolean;
  /** Measured jobs per runtime on the stand-in. */
  rounds: number;
}

export const USAGE = `usage: npm run bench -- job [--json] [--rounds N] [--real]
  --json      one line of JSON a measurement
  --rounds N  measured jobs per runtime, 1 to 1000 (default 150; starts are min(N, 9))
  --real      the job part on a real ComfyUI too: COMFYUI_DIR's, else one set up in the cache folder (0.7 GB, once)`;

const DEFAULT_ROUNDS = 150;
const MAX_ROUNDS = 1_000;

/** @throws Error that says what is wrong with the arguments. */
export function parseFlags(argv: readonly string[]): BenchFlags {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: "boolean" }, real: { type: "boolean" }, rounds: { type: "string" } },
  });
  const unknown = positionals.find((name) => name !== "job");
  if (unknown !== undefined) throw new Error(`Cannot run bench '${unknown}': there is only 'job'`);
  const rounds = Number(values.rounds ?? DEFAULT_ROUNDS);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new Error(`Cannot run ${values.rounds} rounds: expected 1 to ${MAX_ROUNDS}`);
  }
  return { json: values.json ?? false, real: values.real ?? false, rounds };
}
