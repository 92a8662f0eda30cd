/** An edge on the test tailnet: its process of either runtime with the flags that it always has, and its tailscaled. */
import { join } from "node:path";
import { createFleet, type Fleet } from "../../../client/mod.ts";
import type { Pod } from "../../../contracts/pod.ts";
import { startTestEdge, type TestEdge } from "../fleet/edge.ts";
import { type EdgeRuntime, TEST_TIMINGS } from "../fleet/fleet.ts";
import type { ManagedProcess } from "../fleet/process.ts";
import { until } from "../fleet/until.ts";
import type { Daemon } from "./daemon.ts";
import type { NodeOptions, TestTailnet } from "./tailnet.ts";

export interface TailnetEdge extends AsyncDisposable {
  readonly edge: TestEdge;
  readonly process: ManagedProcess;
  readonly daemon: Daemon;
  readonly client: Fleet;
  /** The pod of this name, once it is in this phase. */
  podIn(phase: Pod["phase"], name: string, timeoutMs?: number): Promise<Pod>;
  /** Once no pod of this name is listed. */
  podGone(name: string, timeoutMs?: number): Promise<void>;
  pods(): Promise<Pod[]>;
  /** What judges of jobs want of a fleet. */
  readonly store: { edge: ManagedProcess; dataDir: string };
}

export interface EdgeOptions {
  runtime: EdgeRuntime;
  /** @default "edge" */
  name?: string;
  env?: Readonly<Record<string, string>>;
  /** @default a free one */
  port?: number;
  /** Of its daemon. */
  node?: NodeOptions;
}

export async function startEdge(tailnet: TestTailnet, options: EdgeOptions): Promise<TailnetEdge> {
  const { runtime, name = "edge", env = {}, node = {}, port } = options;
  const dataDir = tailnet.makeFolder(`e-${name}`);
  // In the data folder, as `up` has it: the flags on Deno let the edge read and write nowhere else.
  const dir = join(dataDir, "edge");
  const daemon = await tailnet.addDaemon(name, { tags: ["tag:edge"], ephemeral: false, dir, ...node });
  const edge = await startTestEdge({
    ...{ runtime, dataDir },
    ...(port === undefined ? {} : { port }),
    env: { ...TEST_TIMINGS, TS_SOCKET: daemon.socketPath, ...env },
  });
  const client = createFleet({ baseUrl: edge.baseUrl, apiKey: edge.apiKey });
  const pods = async () => (await client.trpc.pods.list.query({})).items;
  return {
    ...{ edge, process: edge.process, daemon, client, pods },
    store: { edge: edge.process, dataDir },
    async podGone(podName, timeoutMs = 20_000) {
      const isGone = async () => (await pods()).every((pod) => pod.name !== podName) || null;
      await until(`${podName} to be gone`, isGone, timeoutMs);
    },
    async podIn(phase, podName, timeoutMs = 20_000) {
      let seen: Pod[] = [];
      try {
        return await until(`${podName} to be ${phase}`, async () => {
          seen = await pods();
          return seen.find((pod) => pod.name === podName && pod.phase === phase) ?? null;
        }, timeoutMs);
      } catch (cause) {
        const found = seen.map(({ name, phase, conditions }) => ({ name, phase, conditions }));
        throw new Error(`${String(cause)}; seen: ${JSON.stringify(found)}`, { cause });
      }
    },
    async [Symbol.asyncDispose]() {
      await edge[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}
