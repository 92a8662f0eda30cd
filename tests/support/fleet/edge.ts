/** An edge alone: one process of either runtime in a folder of its own, with no pod unless the test names one. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDeno } from "../../../cli/up/entry.ts";
import { loadSecrets } from "../../../cli/up/local-secrets.ts";
import { planProcesses, type ProcessPlan } from "../../../cli/up/plan.ts";
import type { EdgeRuntime } from "./fleet.ts";
import { freePort } from "./free-port.ts";
import { type ManagedProcess, manageProcess } from "./process.ts";
import { until } from "./until.ts";

export interface TestEdgeOptions {
  runtime: EdgeRuntime;
  /** Over those of `up`'s plan; an empty text unsets one. */
  env?: Record<string, string>;
  /** @default a new one, removed at the end */
  dataDir?: string;
  /** @default a free one */
  port?: number;
}

export interface TestEdge extends AsyncDisposable {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Parent of the edge's own `edge` folder. */
  readonly dataDir: string;
  readonly process: ManagedProcess;
  waitReady(): Promise<void>;
}

export function planEdge({ runtime, dataDir, port }: { runtime: EdgeRuntime; dataDir: string; port: number }): {
  plan: ProcessPlan;
  apiKey: string;
} {
  const { agentSecret, apiKey } = loadSecrets(dataDir);
  const deno = runtime === "deno" ? findDeno(process.env) : null;
  if (runtime === "deno" && !deno) throw new Error("no deno found: run npm install");
  const plan = planProcesses({
    ...{ dataDir, deno, agentSecret, node: process.execPath, bootstrapKey: apiKey, env: process.env },
    ports: { edge: port, agent: 1, comfy: 1 },
    listenHost: "127.0.0.1",
    comfy: { kind: "fake" },
  }).find(({ name }) => name === "edge");
  if (!plan) throw new Error("the plan lacks the edge");
  return { plan, apiKey };
}

/** Starts the process and waits for nothing: it may be one that must not start. */
export async function startTestEdge(options: TestEdgeOptions): Promise<TestEdge> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "comfyfleet-edge-"));
  mkdirSync(join(dataDir, "edge"), { recursive: true });
  const port = options.port ?? await freePort();
  const { plan, apiKey } = planEdge({ runtime: options.runtime, dataDir, port });
  const logPath = join(dataDir, "logs", `edge-${port}.log`);
  const edge = manageProcess({ ...plan, logPath, env: { ...plan.env, EDGE_PODS: "[]", ...options.env } });
  const baseUrl = `http://127.0.0.1:${port}`;
  return {
    baseUrl,
    apiKey,
    dataDir,
    process: edge,
    async waitReady() {
      await until(`the edge to answer; it says: ${edge.log()}`, async () => {
        const response = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
        return response?.ok || null;
      });
    },
    async [Symbol.asyncDispose]() {
      await edge.terminate().catch(() => edge.kill());
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
