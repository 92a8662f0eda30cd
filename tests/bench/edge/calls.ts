/**
 * A call to a pod through the edge beside the same call through a bare proxy of the same runtime, to the same agent: in
 * turns, one at a time, on kept connections.
 */
import type { EdgeRuntime } from "../../support/fleet/fleet.ts";
import type { Measurement } from "../measurement.ts";
import { percentile } from "../statistics.ts";
import type { RunningFleet } from "../with-fleets.ts";
import { type BareProcess, startBare } from "./bare-process.ts";
import { download, keptConnection } from "./http-client.ts";

export interface CallOptions {
  /** Measured calls of each. */
  rounds: number;
  /** Unmeasured ones before. */
  warmUps: number;
  signal: AbortSignal;
}

const PROCEDURE = "comfy.status";
/** The edge may cost half as much again: it asks who calls, what for, and writes down how it went. */
const MEDIAN_RATIO_GOAL = 1.5;

interface Subject {
  runtime: EdgeRuntime;
  bare: BareProcess;
  /** Ms of one call. */
  call(): Promise<number>;
  callBare(): Promise<number>;
  took: { edge: number[]; bare: number[] };
}

async function subjectOf({ runtime, fleet }: RunningFleet): Promise<Subject> {
  const { items: [pod] } = await fleet.client.trpc.pods.list.query({});
  if (!pod) throw new Error("Cannot measure: the fleet has no pod");
  const bare = await startBare({ name: "bare-proxy", runtime, args: [fleet.agentUrl, fleet.agentSecret] });
  const kept = { edge: keptConnection(), bare: keptConnection() };
  const edgeUrl = `${fleet.baseUrl}/pods/${pod.id}/trpc/${PROCEDURE}`;
  const bareUrl = `${bare.url}/trpc/${PROCEDURE}`;
  const ask = async (url: string, agent: typeof kept.edge) => {
    const { bytes, tookMs } = await download({ url, secret: fleet.apiKey, agent });
    if (bytes === 0) throw new Error(`Cannot measure: ${url} answers nothing`);
    return tookMs;
  };
  return {
    ...{ runtime, bare, took: { edge: [], bare: [] } },
    call: () => ask(edgeUrl, kept.edge),
    callBare: () => ask(bareUrl, kept.bare),
  };
}

function summarise({ runtime, took }: Subject): Measurement[] {
  const line = (share: number, metric: string) => ({
    ...{ bench: `calls/${runtime}`, metric, unit: "ms" as const },
    value: percentile(took.edge, share),
    baseline: percentile(took.bare, share),
  });
  const median = line(0.5, "call_p50");
  return [{ ...median, goal: median.baseline * MEDIAN_RATIO_GOAL }, line(0.99, "call_p99")];
}

export async function benchCalls(
  fleets: readonly RunningFleet[],
  { rounds, warmUps, signal }: CallOptions,
): Promise<Measurement[]> {
  const subjects: Subject[] = [];
  try {
    for (const fleet of fleets) subjects.push(await subjectOf(fleet));
    for (let round = -warmUps; round < rounds; round += 1) {
      signal.throwIfAborted();
      for (const { call, callBare, took } of subjects) {
        // Whoever is second in one round is first in the next.
        const bareFirst = round % 2 === 0 ? await callBare() : null;
        const edge = await call();
        const bare = bareFirst ?? await callBare();
        if (round < 0) continue;
        took.edge.push(edge);
        took.bare.push(bare);
      }
    }
    return subjects.flatMap(summarise);
  } finally {
    await Promise.all(subjects.map(({ bare }) => bare[Symbol.asyncDispose]()));
  }
}
