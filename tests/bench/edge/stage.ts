/**
 * An edge of one runtime with two scripted pods: `near`, and `far` behind a link of limited rate; and the same link
 * before the edge itself.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFleet, type Fleet } from "../../../client/mod.ts";
import type { PodId } from "../../../contracts/ids.ts";
import { startTestEdge, type TestEdge } from "../../support/fleet/edge.ts";
import type { EdgeRuntime } from "../../support/fleet/fleet.ts";
import { freePort } from "../../support/fleet/free-port.ts";
import { manageProcess } from "../../support/fleet/process.ts";
import { until } from "../../support/fleet/until.ts";

export interface StageOptions {
  runtime: EdgeRuntime;
  /** Of the prepared files. */
  folder: string;
  slots: number;
  linkBytesPerSecond: number;
}

export interface Place {
  podId: PodId;
  /** The pod's agent, asked without the edge, over the same link. */
  agentUrl: string;
  /** The edge, over the same link. */
  edgeUrl: string;
}

export interface Stage extends AsyncDisposable {
  readonly runtime: EdgeRuntime;
  readonly edge: TestEdge;
  readonly client: Fleet;
  readonly agentSecret: string;
  readonly near: Place;
  readonly far: Place;
  /** Work goes to this pod alone. Null: to none. */
  only(place: Place | null): Promise<void>;
}

const SECRET = "a secret of the benchmark, and of nothing else";

function script(name: string): string {
  return fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
}

export async function startStage(options: StageOptions): Promise<Stage> {
  const { runtime, folder, slots, linkBytesPerSecond } = options;
  const [near, far, link, edgeLink] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const urlOf = (port: number) => `http://127.0.0.1:${port}`;
  const pods = [{ name: "near", url: urlOf(near) }, { name: "far", url: urlOf(link) }];
  const edge = await startTestEdge({
    runtime,
    env: { EDGE_PODS: JSON.stringify(pods.map((pod) => ({ ...pod, secret: SECRET }))) },
  });
  const run = (name: string, args: (string | number)[]) =>
    manageProcess({
      command: [process.execPath, script(name), ...args.map(String)],
      env: { ...process.env, AGENT_SECRET: SECRET },
      logPath: join(edge.dataDir, "logs", `${name}.log`),
    });
  const agent = run("scripted-agent", [folder, slots, near, far]);
  const edgePort = new URL(edge.baseUrl).port;
  const relay = run("relay", [linkBytesPerSecond, `${link}:${far}`, `${edgeLink}:${edgePort}`]);
  const client = createFleet({ baseUrl: edge.baseUrl, apiKey: edge.apiKey });
  const stop = async () => {
    await edge[Symbol.asyncDispose]();
    await Promise.all([agent.kill(), relay.kill()]);
  };
  try {
    await edge.waitReady();
    const ready = await until(`both pods to be ready; ${agent.log()}${relay.log()}`, async () => {
      const { items } = await client.trpc.pods.list.query({});
      return items.length === 2 && items.every(({ phase }) => phase === "ready") ? items : null;
    });
    const idOf = (wanted: string) => {
      const pod = ready.find(({ name }) => name === wanted);
      if (!pod) throw new Error(`no pod ${wanted}`);
      return pod.id;
    };
    const stage: Stage = {
      ...{ runtime, edge, client, agentSecret: SECRET },
      near: { podId: idOf("near"), agentUrl: urlOf(near), edgeUrl: edge.baseUrl },
      far: { podId: idOf("far"), agentUrl: urlOf(link), edgeUrl: urlOf(edgeLink) },
      async only(place) {
        for (const { podId } of [stage.near, stage.far]) {
          if (podId === place?.podId) await client.trpc.pods.uncordon.mutate({ podId });
          else await client.trpc.pods.cordon.mutate({ podId });
        }
      },
      [Symbol.asyncDispose]: stop,
    };
    return stage;
  } catch (error) {
    await stop();
    throw error;
  }
}
