/** A whole pod on the test tailnet: an agent that joins with its key, its tailscaled, and a stand-in for ComfyUI. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { planProcesses } from "../../../cli/up/plan.ts";
import { AGENT_PORT } from "../../../contracts/tailnet/words.ts";
import { killLeftovers, processesNaming } from "../fleet/leftovers.ts";
import { overSocket } from "../fleet/over-socket.ts";
import { type ManagedProcess, manageProcess } from "../fleet/process.ts";
import { HERMETIC_SETTINGS } from "./daemon.ts";
import { HERE, type Place } from "./places.ts";
import type { TestTailnet } from "./tailnet.ts";

export interface TailnetPod extends AsyncDisposable {
  /** Its host name on the tailnet. */
  readonly name: string;
  readonly dir: string;
  readonly agent: ManagedProcess;
  /** Of its control port; it answers only beside the tests. */
  readonly controlPort: number;
  /** Process ids of its tailscaled: one, or none while it is down. */
  daemonPids(): number[];
  /** SIGKILL to agent, tailscaled and ComfyUI, as when a machine goes away. */
  killAll(): Promise<void>;
  /** A GET over the agent's own socket. */
  health(path: string): Promise<{ status: number; body: string }>;
}

export interface PodOptions {
  name: string;
  /** @default a new one of the headscale */
  key?: string;
  /** @default ["tag:pod"] */
  tags?: readonly string[];
  /** @default beside the tests; one pod alone can be there, since all would share a 127.0.0.1 */
  place?: Place;
  env?: Readonly<Record<string, string>>;
  /** Flags of the stand-in. */
  standInArgs?: readonly string[];
  /** False: the test starts the agent. @default true */
  started?: boolean;
  /** Of an agent that shares its 127.0.0.1 with another's. */
  port?: number;
}

export const POD_PORTS = { comfy: 8188, control: 8190 };

/** Environment of an agent that gets to the pod's edge over the tailnet alone. */
function settingsOf(tailnet: TestTailnet, options: PodOptions, dir: string): Record<string, string> {
  return {
    ...HERMETIC_SETTINGS,
    ENABLE_TAILSCALE: "1",
    AGENT_LISTEN: `127.0.0.1:${options.port ?? AGENT_PORT}`,
    AGENT_NVIDIA_SMI: "no-such-nvidia-smi",
    TAILSCALED: join(tailnet.binaries, "tailscaled"),
    TS_AUTHKEY: `file:${join(dir, "key")}`,
    TS_CONTROL_URL: tailnet.headscale.url,
    TS_HOSTNAME: options.name,
    ...options.env,
  };
}

function planAgent(dir: string, args: readonly string[]) {
  const plan = planProcesses({
    ...{ dataDir: dir, deno: null, node: process.execPath, comfy: { kind: "fake" }, agentSecret: "", bootstrapKey: "" },
    ports: { edge: 1, agent: AGENT_PORT, comfy: POD_PORTS.comfy },
    listenHost: "127.0.0.1",
    env: { ...process.env, COMFYUI_ARGS: JSON.stringify(args) },
  }).find(({ name }) => name === "agent");
  if (!plan) throw new Error("the plan lacks the agent");
  const { AGENT_SECRET: _, ...env } = plan.env;
  return { ...plan, env };
}

/** Starts the agent, and waits for nothing. */
export async function startPod(tailnet: TestTailnet, options: PodOptions): Promise<TailnetPod> {
  const { name, place = HERE, started = true, standInArgs = [] } = options;
  const dir = tailnet.makeFolder(name);
  const tags = options.tags === undefined ? {} : { tags: options.tags };
  writeFileSync(join(dir, "key"), options.key ?? await tailnet.headscale.mint(tags), { mode: 0o600 });
  const plan = planAgent(dir, ["--control-port", String(POD_PORTS.control), ...standInArgs]);
  const env = { ...plan.env, ...settingsOf(tailnet, options, dir) };
  const agent = manageProcess({ command: place.wrap(plan.command), env, logPath: plan.logPath, started });
  const daemonPids = () => processesNaming(dir).filter(isTailscaled);
  return {
    ...{ name, dir, agent, controlPort: POD_PORTS.control, daemonPids },
    async killAll() {
      await agent.kill();
      killLeftovers(dir);
      while (processesNaming(dir).length > 0) await sleep(20);
    },
    health: (path) => overSocket(join(dir, "agent", "health.sock"), path),
    async [Symbol.asyncDispose]() {
      await agent.terminate().catch(() => agent.kill());
      killLeftovers(dir);
    },
  };
}

function isTailscaled(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0", 1)[0]?.endsWith("tailscaled") === true;
  } catch {
    return false; // ended meanwhile
  }
}
