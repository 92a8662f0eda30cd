/** A tailnet with an edge and one pod, for tests that break one of them. */
import type { Pod } from "../../../contracts/pod.ts";
import type { EdgeRuntime } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { type EdgeOptions, startEdge, type TailnetEdge } from "./edge.ts";
import { type PodOptions, startPod, type TailnetPod } from "./pod.ts";
import { startTailnet, type TestTailnet, type TestTailnetOptions } from "./tailnet.ts";

export interface TailnetFleet extends AsyncDisposable {
  readonly tailnet: TestTailnet;
  readonly edge: TailnetEdge;
  readonly pod: TailnetPod;
  /** As the edge knew it when it became ready. */
  readonly known: Pod;
  /** StableID of the pod, as headscale has it now. @throws Error where it has none, or two */
  stableId(): Promise<string>;
  /** Ms from `sinceMs` (of `performance.now()`) until the edge calls the agent again and gets an answer. */
  backAfterMs(sinceMs: number): Promise<number>;
}

export interface TailnetFleetOptions {
  runtime: EdgeRuntime;
  tailnet?: TestTailnetOptions;
  edge?: Partial<EdgeOptions>;
  pod?: Partial<PodOptions>;
}

const POD_NAME = "gpu-1";

export async function startTailnetFleet(options: TailnetFleetOptions): Promise<TailnetFleet> {
  const started: AsyncDisposable[] = [];
  const keep = <T extends AsyncDisposable>(one: T): T => {
    started.unshift(one);
    return one;
  };
  const stop = async () => {
    for (const one of started) await one[Symbol.asyncDispose]();
  };
  try {
    const tailnet = keep(await startTailnet(options.tailnet));
    const edge = keep(await startEdge(tailnet, { runtime: options.runtime, ...options.edge }));
    await edge.edge.waitReady();
    const pod = keep(await startPod(tailnet, { name: POD_NAME, ...options.pod }));
    const known = await edge.podIn("ready", pod.name).catch((error: unknown) => {
      const logs = `--- edge\n${edge.process.log().slice(-3_000)}\n--- agent\n${pod.agent.log().slice(-3_000)}`;
      throw new Error(`${String(error)}\n${logs}`, { cause: error });
    });
    return {
      ...{ tailnet, edge, pod, known },
      async stableId() {
        const nodes = (await tailnet.headscale.nodes()).filter(({ name }) => name === pod.name);
        const [only] = nodes;
        if (!only || nodes.length > 1) throw new Error(`headscale has ${nodes.length} nodes called '${pod.name}'`);
        return only.id;
      },
      async backAfterMs(sinceMs) {
        await until("the agent to answer the edge again", async () => {
          const options = { signal: AbortSignal.timeout(2_000) };
          return await edge.client.pod(known.id).pod.describe.query(undefined, options).catch(() => null);
        }, 30_000);
        return performance.now() - sinceMs;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
