import { describe, expect, it } from "vitest";
import { createLastProgress } from "../../../../proxy/jobs/last-progress.ts";
import { jobId } from "./ids.ts";

function at(value: number) {
  return { value, nodesDone: 0, nodesTotal: 1, currentNode: null, currentNodeClass: null, step: null, steps: null };
}

describe("createLastProgress()", () => {
  it("never falls within an attempt, and starts anew with the next", () => {
    const last = createLastProgress();
    for (const value of [0.2, 0.6, 0.4]) last.set(jobId(1), 1, at(value));
    expect(last.get(jobId(1), 1)?.value).toBe(0.6);
    last.set(jobId(1), 2, at(0.1));
    last.set(jobId(1), 1, at(0.9));
    expect([last.get(jobId(1), 1), last.get(jobId(1), 2)?.value]).toEqual([null, 0.1]);
  });

  it("keeps the jobs that were heard of last, up to its capacity, and forgets on demand", () => {
    const last = createLastProgress(2);
    for (const [n, value] of [[1, 0.1], [2, 0.1], [1, 0.2], [3, 0.1]] as const) last.set(jobId(n), 1, at(value));
    expect([1, 2, 3].map((n) => last.get(jobId(n), 1)?.value ?? null)).toEqual([0.2, null, 0.1]);
    last.drop(jobId(1));
    expect(last.get(jobId(1), 1)).toBeNull();
  });
});
