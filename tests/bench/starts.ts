/**
 * Starts of the edge (store there, pod configured, caches warm) until `/readyz` says 200, beside a bare server on the
 * same runtime, in turns; then what each holds in memory after five idle seconds, the edge with its pod connected.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { findDeno } from "../../cli/up/entry.ts";
import { tryPort } from "../../cli/up/free-port.ts";
import type { EdgeRuntime, TestFleet } from "../support/fleet/fleet.ts";
import { type ManagedProcess, manageProcess } from "../support/fleet/process.ts";
import type { Measurement } from "./measurement.ts";
import { residentMb, timeToReady } from "./server-process.ts";
import { median } from "./statistics.ts";

export interface EdgeBench {
  runtime: EdgeRuntime;
  fleet: TestFleet;
}

const IDLE_MS = 5_000;
const START_GOAL_MS = { deno: 300, node: 500 };
const IDLE_GOAL_MB = { deno: 120, node: 160 };

interface Subject extends EdgeBench {
  bare: ManagedProcess;
  bareUrl: string;
  edgeMs: number[];
  bareMs: number[];
}

function bareCommand(runtime: EdgeRuntime, port: number): string[] {
  const file = fileURLToPath(new URL(`./bare-server.${runtime}.ts`, import.meta.url));
  if (runtime === "node") return [process.execPath, file, String(port)];
  const deno = findDeno(process.env) ?? "deno";
  return [deno, "run", "--no-prompt", "--cached-only", `--allow-net=127.0.0.1:${port}`, file, String(port)];
}

async function subjectOf({ runtime, fleet }: EdgeBench): Promise<Subject> {
  const port = await tryPort(0) ?? 0;
  const logPath = join(fleet.dataDir, "logs", "bare.log");
  const bare = manageProcess({ command: bareCommand(runtime, port), env: process.env, logPath });
  return { runtime, fleet, bare, bareUrl: `http://127.0.0.1:${port}/`, edgeMs: [], bareMs: [] };
}

async function startBoth({ fleet, bare, bareUrl, edgeMs, bareMs }: Subject): Promise<void> {
  await bare.kill();
  bareMs.push(await timeToReady(() => bare.start(), bareUrl));
  await fleet.edge.terminate();
  edgeMs.push(await timeToReady(() => fleet.edge.start(), `${fleet.baseUrl}/readyz`));
}

async function memoryOf({ runtime, fleet, bare }: Subject): Promise<Measurement> {
  const [value, baseline] = [await residentMb(fleet.edge.pid), await residentMb(bare.pid)];
  return { bench: `edge/${runtime}`, metric: "idle_rss", value, unit: "MB", baseline, goal: IDLE_GOAL_MB[runtime] };
}

function startOf({ runtime, edgeMs, bareMs }: Subject): Measurement {
  // The first of each warmed the caches.
  const [value, baseline] = [median(edgeMs.slice(1)), median(bareMs.slice(1))];
  const goal = START_GOAL_MS[runtime];
  return { bench: `edge/${runtime}`, metric: "start_to_ready", value, unit: "ms", baseline, goal };
}

/** @param options.rounds measured starts of each */
export async function benchStarts(
  edges: readonly EdgeBench[],
  { rounds, signal }: { rounds: number; signal: AbortSignal },
): Promise<Measurement[]> {
  const subjects = await Promise.all(edges.map(subjectOf));
  try {
    for (let round = 0; round <= rounds; round += 1) {
      signal.throwIfAborted();
      for (const subject of subjects) await startBoth(subject);
    }
    await Promise.all(subjects.map(({ fleet }) => fleet.waitReady()));
    await sleep(IDLE_MS, undefined, { signal });
    const memory = await Promise.all(subjects.map(memoryOf));
    return [...subjects.map(startOf), ...memory];
  } finally {
    await Promise.all(subjects.map(({ bare }) => bare.kill()));
  }
}
