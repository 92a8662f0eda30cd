/** A fleet of several pods: an edge on Deno or Node, and an agent with a ComfyUI of its own for each, all real processes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDeno } from "../../../cli/up/entry.ts";
import { loadSecrets } from "../../../cli/up/local-secrets.ts";
import { type ComfySource, planProcesses, type ProcessPlan } from "../../../cli/up/plan.ts";
import { createFleet, type Fleet } from "../../../client/mod.ts";
import { type EdgeRuntime, stopQuietly, TEST_TIMINGS, waitForEdge } from "./fleet.ts";
import { freePort } from "./free-port.ts";
import { killLeftovers } from "./leftovers.ts";
import { type ManagedProcess, manageProcess } from "./process.ts";
import { connectStandIn, type StandIn } from "./stand-in.ts";
import { until } from "./until.ts";

export interface FleetOfPodsOptions {
  runtime: EdgeRuntime;
  /** @default 2 */
  pods?: number;
  /** Of every pod. @default the stand-in */
  comfy?: ComfySource;
  /** Settings of the edge and the agents, over timings that are scaled for tests. */
  env?: Record<string, string>;
  /** Flags for the stand-ins beside those of their control ports. */
  standInArgs?: string[];
  /** @default 45_000 */
  readyTimeoutMs?: number;
}

export interface TestPod {
  readonly name: string;
  readonly agent: ManagedProcess;
  readonly comfyUrl: string;
  /** Of the fake-comfy, where that is the pod's ComfyUI. */
  readonly standIn: StandIn;
  /** SIGKILL to the agent and to its ComfyUI, as when a machine goes away. */
  kill(): Promise<void>;
  /** Starts the agent, which starts or finds its ComfyUI. */
  start(): void;
}

export interface FleetOfPods extends AsyncDisposable {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly dataDir: string;
  readonly edge: ManagedProcess;
  readonly client: Fleet;
  readonly pods: readonly TestPod[];
  /** Resolves once every pod can take work. */
  waitReady(): Promise<void>;
}

interface PodPlan {
  name: string;
  dir: string;
  ports: { agent: number; comfy: number; control: number };
}

async function planPods(dataDir: string, count: number): Promise<PodPlan[]> {
  const pods: PodPlan[] = [];
  for (let number = 1; number <= count; number += 1) {
    const ports = { agent: await freePort(), comfy: await freePort(), control: await freePort() };
    pods.push({ name: `pod-${number}`, dir: join(dataDir, `pod-${number}`), ports });
  }
  return pods;
}

function byName(plans: readonly ProcessPlan[], name: ProcessPlan["name"]): ProcessPlan {
  const plan = plans.find((one) => one.name === name);
  if (!plan) throw new Error(`the plan lacks the ${name}`);
  return plan;
}

function startPod({ name, dir, ports }: PodPlan, plan: ProcessPlan): TestPod {
  const agent = manageProcess(plan);
  return {
    name,
    agent,
    comfyUrl: `http://127.0.0.1:${ports.comfy}`,
    standIn: connectStandIn(ports.control),
    async kill() {
      await agent.kill();
      // ComfyUI has the agent's folder on its command line.
      killLeftovers(dir);
    },
    start: () => agent.start(),
  };
}

export async function startFleetOfPods(options: FleetOfPodsOptions): Promise<FleetOfPods> {
  const { runtime, comfy = { kind: "fake" }, readyTimeoutMs = 45_000 } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "comfyfleet-pods-"));
  const deno = runtime === "deno" ? findDeno(process.env) : null;
  if (runtime === "deno" && !deno) throw new Error("no deno found: run npm install");
  const { agentSecret, apiKey } = loadSecrets(dataDir);
  const edgePort = await freePort();
  const podPlans = await planPods(dataDir, options.pods ?? 2);
  const plansOf = ({ dir, ports }: PodPlan) => {
    const args = ["--control-port", String(ports.control), ...options.standInArgs ?? []];
    return planProcesses({
      ...{ dataDir: dir, deno, node: process.execPath, comfy, agentSecret, bootstrapKey: apiKey },
      ports: { edge: edgePort, agent: ports.agent, comfy: ports.comfy },
      listenHost: "127.0.0.1",
      env: {
        ...{ ...process.env, ...TEST_TIMINGS },
        ...(comfy.kind === "fake" ? { COMFYUI_ARGS: JSON.stringify(args) } : {}),
        ...options.env,
      },
    });
  };
  const [first] = podPlans;
  if (!first) throw new Error("Cannot start a fleet without a pod");
  // Not in a pod's own folder: what names that is killed with the pod.
  const edgePlan = byName(plansOf({ ...first, dir: dataDir }), "edge");
  const known = podPlans.map(({ name, ports }) => ({
    ...{ name, url: `http://127.0.0.1:${ports.agent}`, secret: agentSecret },
  }));
  const pods = podPlans.map((pod) => startPod(pod, byName(plansOf(pod), "agent")));
  const edge = manageProcess({
    ...edgePlan,
    env: { ...edgePlan.env, ...options.env, EDGE_PODS: JSON.stringify(known) },
  });
  const baseUrl = `http://127.0.0.1:${edgePort}`;
  const client = createFleet({ baseUrl, apiKey });

  const fleet: FleetOfPods = {
    ...{ baseUrl, apiKey, dataDir, edge, client, pods },
    async waitReady() {
      await waitForEdge(baseUrl, readyTimeoutMs);
      await until(`${pods.length} pods to be ready`, async () => {
        const { items } = await client.trpc.pods.list.query({});
        return items.filter(({ phase }) => phase === "ready").length === pods.length || null;
      }, readyTimeoutMs);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([edge, ...pods.map(({ agent }) => agent)].map(stopQuietly));
      killLeftovers(dataDir);
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  try {
    await fleet.waitReady();
    return fleet;
  } catch (error) {
    const logs = [edge, ...pods.map(({ agent }) => agent)].map((one) => one.log().slice(-3_000)).join("\n---\n");
    await fleet[Symbol.asyncDispose]();
    throw new Error(`the fleet did not become ready: ${String(error)}\n${logs}`, { cause: error });
  }
}
