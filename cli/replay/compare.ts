/** Two jobs of one spec, side by side: what made them, and whether the same bytes came out. Pure. */
import type { Job, Output } from "../../client/mod.ts";
import type { JobTiming } from "../../contracts/receipt.ts";

export interface Compared<T> {
  /** Null is what nobody knows. */
  before: T | null;
  after: T | null;
  /** Null where one of them is not known. */
  equal: boolean | null;
}

/** One output in both jobs; null where one of them has none in its place. */
export interface ComparedOutput {
  nodeId: string;
  name: string;
  temporary: boolean;
  before: string | null;
  after: string | null;
  equal: boolean;
}

export interface Replay {
  jobId: string;
  replayOf: string;
  state: { before: Job["state"]; after: Job["state"] };
  /** Both succeeded, and every output has the same bytes in both. */
  equal: boolean;
  /** From the two receipts. */
  receipt: {
    pod: Compared<string>;
    gpu: Compared<string>;
    comfyVersion: Compared<string>;
    agentVersion: Compared<string>;
    objectInfoSha256: Compared<string>;
    graphSha256: Compared<string>;
    serviceVersion: Compared<number>;
    seed: Compared<number>;
    cached: Compared<boolean>;
    attempts: Compared<number>;
  };
  outputs: ComparedOutput[];
  timing: { before: JobTiming | null; after: JobTiming | null };
}

function compared<T extends string | number | boolean>(before: T | null, after: T | null): Compared<T> {
  return { before, after, equal: before === null || after === null ? null : before === after };
}

/** A node's outputs keep their order: the place says more than a name that may hold a random part. */
function placesOf(outputs: readonly Output[]): Map<string, Output> {
  const places = new Map<string, Output>();
  for (const group of Map.groupBy(outputs, ({ nodeId, temporary }) => `${nodeId} ${temporary}`).values()) {
    group.forEach((output, index) => places.set(JSON.stringify([output.nodeId, output.temporary, index]), output));
  }
  return places;
}

function compareOutputs(before: readonly Output[], after: readonly Output[]): ComparedOutput[] {
  const [old, now] = [placesOf(before), placesOf(after)];
  return [...new Map([...old, ...now])].map(([place, { nodeId, name, temporary }]) => {
    const sha256 = { before: old.get(place)?.sha256 ?? null, after: now.get(place)?.sha256 ?? null };
    return { nodeId, name, temporary, ...sha256, equal: sha256.before === sha256.after };
  });
}

export function compareJobs(before: Job, after: Job): Replay {
  const [old, now] = [before.receipt, after.receipt];
  const fact = <T extends string | number | boolean>(of: (receipt: NonNullable<Job["receipt"]>) => T | null) =>
    compared(old && of(old), now && of(now));
  const outputs = compareOutputs(before.outputs, after.outputs);
  return {
    jobId: after.id,
    replayOf: before.id,
    state: { before: before.state, after: after.state },
    equal: before.state === "succeeded" && after.state === "succeeded" && outputs.every(({ equal }) => equal),
    receipt: {
      pod: fact(({ pod }) => pod?.name ?? null),
      gpu: fact(({ gpu }) => gpu),
      comfyVersion: fact(({ comfyVersion }) => comfyVersion),
      agentVersion: fact(({ agentVersion }) => agentVersion),
      objectInfoSha256: fact(({ objectInfoSha256 }) => objectInfoSha256),
      graphSha256: fact(({ graphSha256 }) => graphSha256),
      serviceVersion: compared(before.service?.version ?? null, after.service?.version ?? null),
      seed: compared(before.service?.seed ?? null, after.service?.seed ?? null),
      cached: fact(({ cached }) => cached),
      attempts: fact(({ attempts }) => attempts),
    },
    outputs,
    timing: { before: old?.timing ?? null, after: now?.timing ?? null },
  };
}
