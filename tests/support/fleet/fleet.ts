/**
 * A whole fleet of real processes in a folder of its own: agent with its ComfyUI, and an edge on Deno or Node, started
 * as `comfyfleet up` starts them (same plan, same Deno flags), but each at the test's hand.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDeno } from "../../../cli/up/entry.ts";
import { loadSecrets } from "../../../cli/up/local-secrets.ts";
import { type ComfySource, planProcesses } from "../../../cli/up/plan.ts";
import { waitReady } from "../../../cli/up/wait-ready.ts";
import { createFleet, type Fleet } from "../../../client/mod.ts";
import { freePort } from "./free-port.ts";
import { killLeftovers } from "./leftovers.ts";
import { listenerPid } from "./listener-pid.ts";
import { type ManagedProcess, manageProcess } from "./process.ts";
import { connectStandIn, type StandIn } from "./stand-in.ts";

import { until } from "./until.ts";

export { until } from "./until.ts";

export type EdgeRuntime = "deno" | "node";
export const EDGE_RUNTIMES: readonly EdgeRuntime[] = ["deno", "node"];

export interface TestFleetOptions {
  runtime: EdgeRuntime;
  /** @default the stand-in */
  comfy?: ComfySource;
  /** Settings of the edge and the agent. Timings are scaled for tests unless set here. */
  env?: Record<string, string>;
  readyTimeoutMs?: number;
  /** Flags for the stand-in beside those of {@link TestFleet.standIn}'s control port. */
  standInArgs?: string[];
  /** False: the agent is started by the test. @default true */
  agentStarted?: boolean;
  /** `edge`: the pod may not be ready yet. @default "pod", where the agent is started */
  waitFor?: "pod" | "edge";
}

export interface TestFleet extends AsyncDisposable {
  readonly baseUrl: string;
  readonly agentUrl: string;
  readonly agentSecret: string;
  readonly comfyUrl: string;
  readonly apiKey: string;
  readonly dataDir: string;
  readonly edge: ManagedProcess;
  readonly agent: ManagedProcess;
  readonly client: Fleet;
  /** Of the fake-comfy, where that is the fleet's ComfyUI. */
  readonly standIn: StandIn;
  /** Process id of the supervised ComfyUI that listens on its port. */
  comfyPid(): number;
  waitReady(): Promise<void>;
}

/** Scaled down, so that a lost pod is lost in seconds. */
export const TEST_TIMINGS = { POD_BEAT_MS: "500", POD_UNREACHABLE_MS: "3000", POD_LOST_MS: "6000" };

export async function stopQuietly(process: ManagedProcess): Promise<void> {
  await process.terminate().catch(() => process.kill());
}

export async function waitForEdge(baseUrl: string, timeoutMs = 15_000): Promise<void> {
  await until("the edge to answer", async () => {
    const response = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    return response?.ok || null;
  }, timeoutMs);
}

export async function startTestFleet(options: TestFleetOptions): Promise<TestFleet> {
  const dataDir = mkdtempSync(join(tmpdir(), "comfyfleet-test-"));
  const ports = { edge: await freePort(), agent: await freePort(), comfy: await freePort() };
  const controlPort = await freePort();
  const isStandIn = (options.comfy?.kind ?? "fake") === "fake";
  const standInArgs = ["--control-port", String(controlPort), ...options.standInArgs ?? []];
  const secrets = loadSecrets(dataDir);
  const deno = options.runtime === "deno" ? findDeno(process.env) : null;
  if (options.runtime === "deno" && !deno) throw new Error("no deno found: run npm install");
  const plans = planProcesses({
    dataDir,
    ports,
    listenHost: "127.0.0.1",
    deno,
    node: process.execPath,
    comfy: options.comfy ?? { kind: "fake" },
    agentSecret: secrets.agentSecret,
    bootstrapKey: secrets.apiKey,
    env: {
      ...process.env,
      ...TEST_TIMINGS,
      ...(isStandIn ? { COMFYUI_ARGS: JSON.stringify(standInArgs) } : {}),
      ...options.env,
    },
  });
  const processes = new Map(plans.map((plan) => {
    const started = plan.name !== "agent" || (options.agentStarted ?? true);
    return [plan.name, manageProcess({ ...plan, started })];
  }));
  const edge = processes.get("edge");
  const agent = processes.get("agent");
  if (!edge || !agent) throw new Error("the plan lacks a process");
  const baseUrl = `http://127.0.0.1:${ports.edge}`;

  const fleet: TestFleet = {
    baseUrl,
    agentUrl: `http://127.0.0.1:${ports.agent}`,
    agentSecret: secrets.agentSecret,
    comfyUrl: `http://127.0.0.1:${ports.comfy}`,
    apiKey: secrets.apiKey,
    dataDir,
    edge,
    agent,
    client: createFleet({ baseUrl, apiKey: secrets.apiKey }),
    standIn: connectStandIn(controlPort),
    comfyPid() {
      const pid = listenerPid(ports.comfy);
      if (pid === null) throw new Error("no ComfyUI listens");
      return pid;
    },
    waitReady: () =>
      waitReady({
        baseUrl,
        apiKey: secrets.apiKey,
        dataDir,
        timeoutMs: options.readyTimeoutMs ?? 30_000,
        signal: new AbortController().signal,
        onWait: () => {},
        failed: () => null,
      }),
    async [Symbol.asyncDispose]() {
      await stopQuietly(edge);
      await stopQuietly(agent);
      killLeftovers(dataDir);
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  try {
    if ((options.agentStarted ?? true) && options.waitFor !== "edge") await fleet.waitReady();
    else await waitForEdge(baseUrl);
    return fleet;
  } catch (error) {
    const logs = `\n--- edge\n${edge.log().slice(-4_000)}\n--- agent\n${agent.log().slice(-4_000)}`;
    await fleet[Symbol.asyncDispose]();
    throw new Error(`the fleet did not become ready: ${String(error)}${logs}`, { cause: error });
  }
}
