/** The command line of the benchmark. */
import { parseArgs } from "node:util";

const PARTS = ["job", "edge", "v2", "tailnet"] as const;
export type BenchPart = (typeof PARTS)[number];

export interface BenchFlags {
  part: BenchPart;
  json: boolean;
  /** Ends with exit code 1 when a goal is missed. */
  strict: boolean;
  /** On a real ComfyUI on the CPU: the job part too, the v2 part alone. */
  real: boolean;
  /** Measured jobs per runtime on the stand-in. */
  rounds: number;
  /** The edge, the v2 or the tailnet part with numbers so small that they say nothing. */
  quick: boolean;
}

export const USAGE = `usage: npm run bench -- job [--json] [--strict] [--rounds N] [--real]
       npm run bench -- edge [--json] [--strict] [--quick]
       npm run bench -- v2 [--json] [--strict] [--rounds N] [--real] [--quick]
       npm run bench -- tailnet [--json] [--strict] [--rounds N] [--quick]
job: whole jobs beside the same work driven directly (cold_*: the first after a start), starts, memory
edge: what passes through the edge, on both runtimes, in under 4 minutes, each beside its baseline:
  calls     comfy.status of a pod through the edge, and through a bare Hono proxy
  bytes     files of 200 MB on the disk of an agent, and the agent's own download of them, also over a link of 100 MB/s:
            passing_*          a stream that goes through the edge as it comes (a call's answer; outputs do not pass through)
            stored_collect_*   a job's output from submit until the edge has fetched, checked and stored it
            stored_download_*  the stored asset from the edge
            *_rss_growth       the most that the edge's memory grew during one of them; baseline: what it held before
  watchers  500 streams of 50 jobs with 5 events of progress a second, and a bare event server with as many
v2: jobs through the Comfy API v2 of both edges, in turns with comfy-api-proxy 0.1.6 from PyPI and with the same ComfyUI
    driven directly (needs Python 3.11; packages are set up once in the cache folder), in about five minutes:
  poll_*, sse_*                   an own client that polls, or reads the events
  typescript_run_*, python_run_*  run() of the official SDKs, unmodified; *_300ms_*: of a job of 0.3 s
  false_states                    of 1,000 jobs at concurrency 8: wrongly failed, canceled, expired, or without bytes
  jobs_per_second                 rightly ended ones, at concurrency 8; the goal of the edges is the proxy's number
tailnet: real tailscaled and headscale in a network namespace (needs Go once, which builds them in 5 minutes):
  dial/*      calls and a download of 200 MB through tailscaled's /dial, and over plain loopback: the ways that an edge has
              to dial a pod, node:http as it does and undici beside it
  edge/*      the same calls and downloads through whole edges: one whose pod is on the tailnet, and one on loopback
  job/*       whole jobs over the tailnet, beside the same work driven directly
  --json      one line of JSON a measurement
  --strict    exit code 1 when a goal is missed; without it that is only said
  --rounds N  measured jobs per runtime, 1 to 1000 (default 150, of v2 60, of tailnet 100; starts are min(N, 9))
  --real      the job part on a real ComfyUI too, the v2 part on one alone: COMFYUI_DIR's, else one set up in the cache
              folder (0.7 GB, once)
  --quick     the edge, the v2 or the tailnet part with tiny numbers, to see that it runs`;

const DEFAULT_ROUNDS = { job: 150, edge: 150, v2: 60, tailnet: 100 };
const MAX_ROUNDS = 1_000;

function partOf(name: string): BenchPart {
  const part = PARTS.find((one) => one === name);
  if (part === undefined) {
    throw new Error(`Cannot run bench '${name}': there are only 'job', 'edge', 'v2' and 'tailnet'`);
  }
  return part;
}

/** @throws Error that says what is wrong with the arguments. */
export function parseFlags(argv: readonly string[]): BenchFlags {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      strict: { type: "boolean" },
      real: { type: "boolean" },
      rounds: { type: "string" },
      quick: { type: "boolean" },
    },
  });
  const [part = "job", ...more] = positionals.map(partOf);
  if (more.length > 0) throw new Error("Cannot run two parts at once: name one of 'job', 'edge', 'v2' and 'tailnet'");
  const foreign = (part === "job" && values.quick && "--quick") ||
    (part === "edge" && ((values.real && "--real") || (values.rounds && "--rounds"))) ||
    (part === "tailnet" && values.real && "--real");
  if (foreign) throw new Error(`Cannot run bench '${part}' with ${foreign}: it is of another part`);
  const rounds = Number(values.rounds ?? DEFAULT_ROUNDS[part]);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new Error(`Cannot run ${values.rounds} rounds: expected 1 to ${MAX_ROUNDS}`);
  }
  const { json = false, strict = false, real = false, quick = false } = values;
  return { part, json, strict, real, rounds, quick };
}
