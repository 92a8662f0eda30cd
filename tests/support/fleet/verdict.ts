/** What must hold of a job whatever was killed while it ran: succeeded, once, and told so, once. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { JobEvent, JobHandle, JobResult } from "../../../client/mod.ts";
import { progressOf, statuses, terminalCount } from "./events.ts";
import type { TestFleet } from "./fleet.ts";
import { readStoredJob, type StoredJob } from "./store.ts";

/** Nothing missed, nothing twice: after the snapshot that it began with, a watcher saw what the store has. */
function expectSeamless(events: readonly JobEvent[], stored: StoredJob): void {
  const [snapshot, ...seen] = statuses(events).map(({ ver, state, attempt }) => ({ ver, state, attempt }));
  const since = stored.events.filter(({ ver }) => ver > (snapshot?.ver ?? 0));
  expect(seen).toEqual(since.map(({ ver, state, attempt }) => ({ ver, state, attempt })));
  expect(terminalCount(events)).toBe(1);
  for (const { no } of stored.attempts) {
    const values = progressOf(events, no).map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  }
}

/**
 * Waits for the job, stops the edge, and looks into its store.
 * @param watched what clients saw of the job, over every cut
 */
export async function expectSucceededOnce(
  fleet: Pick<TestFleet, "edge" | "dataDir">,
  handle: JobHandle,
  watched: readonly Promise<JobEvent[]>[],
): Promise<{ result: JobResult; stored: StoredJob }> {
  const result = await handle.result();
  expect(result.job.state).toBe("succeeded");
  expect(result.outputs).toHaveLength(1);
  for (const output of result.outputs) {
    expect(createHash("sha256").update(await output.bytes()).digest("hex")).toBe(output.sha256);
  }
  const seen = await Promise.all(watched);
  await fleet.edge.terminate();
  const stored = readStoredJob(fleet.dataDir, result.job.id);
  expect(stored.terminalEvents).toMatchObject([{ state: "succeeded" }]);
  expect(stored.outbox).toEqual([{ state: "succeeded" }]);
  for (const events of seen) expectSeamless(events, stored);
  return { result, stored };
}
