/** Calls and a large download through tailscaled's `/dial` beside plain loopback: both runtimes, two HTTP libraries. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findDeno } from "../../../cli/up/entry.ts";
import { EDGE_RUNTIMES, type EdgeRuntime, until } from "../../support/fleet/fleet.ts";
import { manageProcess } from "../../support/fleet/process.ts";
import { reach, warmUp } from "../../support/tailnet/reach.ts";
import type { TestTailnet } from "../../support/tailnet/tailnet.ts";
import { AGENT_PORT } from "../../../contracts/tailnet/words.ts";
import type { Measurement } from "../measurement.ts";
import { median, percentile } from "../statistics.ts";
import { DialResult, type DialTask } from "./dial-task.ts";

export type DialRounds = Pick<DialTask, "calls" | "freshCalls" | "downloads" | "sizeBytes">;

const TIMEOUT_MS = 240_000;

const script = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));

async function runDialler(runtime: EdgeRuntime, task: DialTask, signal: AbortSignal): Promise<DialResult> {
  const deno = [findDeno(process.env) ?? "deno", "run", "--no-prompt", "--cached-only"];
  const allowed = ["--allow-net", "--allow-read", `--allow-write=${task.socketPath}`, "--allow-env"];
  const [program = "", ...args] = runtime === "deno" ? [...deno, ...allowed] : [process.execPath];
  const all = [...args, script("dialler"), JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(program, all, { timeout: TIMEOUT_MS, signal, maxBuffer: 64e6 });
  return DialResult.parse(JSON.parse(stdout));
}

function summarise(bench: string, { kept, fresh, rates }: DialResult): Measurement[] {
  const ms = (metric: string, samples: DialResult["kept"], share: number): Measurement => ({
    ...{ bench, metric, unit: "ms" },
    value: percentile(samples.tailnet, share),
    baseline: percentile(samples.loopback, share),
  });
  return [
    ms("call_p50", kept, 0.5),
    ms("call_p99", kept, 0.99),
    ms("fresh_call_p50", fresh, 0.5),
    { bench, metric: "download_rate", unit: "MB/s", value: median(rates.tailnet), baseline: median(rates.loopback) },
  ];
}

export async function benchDials(
  tailnet: TestTailnet,
  rounds: DialRounds,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const edge = await tailnet.addDaemon("bench-edge", { tags: ["tag:edge"] });
  const pod = await tailnet.addDaemon("bench-pod");
  const server = manageProcess({
    command: [process.execPath, script("plain-server"), String(AGENT_PORT)],
    ...{ env: process.env, logPath: `${tailnet.dir}/plain-server.log` },
  });
  try {
    await warmUp(edge, pod);
    await until("the plain server", async () => {
      const found = await reach(edge, pod.ip, AGENT_PORT).catch(() => null);
      return found === "open" || null;
    });
    const measured: Measurement[] = [];
    for (const runtime of EDGE_RUNTIMES) {
      for (const library of ["node_http", "undici"] as const) {
        const task = { library, socketPath: edge.socketPath, ip: pod.ip, port: AGENT_PORT, ...rounds };
        measured.push(...summarise(`dial/${runtime}/${library}`, await runDialler(runtime, task, signal)));
      }
    }
    return measured;
  } finally {
    await server.kill();
    await edge[Symbol.asyncDispose]();
    await pod[Symbol.asyncDispose]();
  }
}
