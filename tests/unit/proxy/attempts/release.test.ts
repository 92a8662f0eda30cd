import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import type { AttemptId } from "../../../../contracts/ids.ts";
import { createRelease } from "../../../../proxy/attempts/release.ts";
import type { Agents } from "../../../../proxy/pods/port.ts";
import { attemptId, podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";

interface Input {
  attemptId: AttemptId;
  also?: AttemptId[];
}

/** @param answer of the agent to each call */
function setUp(answer: (input: Input) => Promise<void> = () => Promise.resolve()) {
  const calls: (Input & { pod: string })[] = [];
  const mutate = (pod: string) => (input: Input) => {
    calls.push({ pod, ...input });
    return answer(input);
  };
  const agents = { client: (pod: string) => ({ attempts: { release: { mutate: mutate(pod) } } }) } as unknown as Agents;
  const clock = createManualClock();
  const stopping = new AbortController();
  const options = { agents, clock, afterMs: 250, timeoutMs: 1_000, logger: silentLogger, signal: stopping.signal };
  return { calls, clock, stopping, release: createRelease(options) };
}

const [pod, other] = [podId(1), podId(2)];
const ids = (count: number) => Array.from({ length: count }, (_, index) => attemptId(index + 1));
const refusal = () => Promise.reject(new FleetError("conflict", "Cannot release: it goes on"));

describe("createRelease()", () => {
  it("takes all of a pod that have come meanwhile into one call, and each once", async () => {
    const { calls, clock, release } = setUp();
    const [one, two, three] = ids(3) as [AttemptId, AttemptId, AttemptId];
    release(pod, one);
    await clock.advance(200);
    for (const id of [one, two, two]) release(pod, id);
    release(other, three);
    expect(calls).toEqual([]);
    await clock.advance(50);
    expect(calls).toEqual([{ pod, attemptId: one, also: [two] }]);
    await clock.advance(200);
    expect(calls.slice(1)).toEqual([{ pod: other, attemptId: three }]);
    release(pod, one);
    await clock.advance(250);
    expect(calls.slice(2)).toEqual([{ pod, attemptId: one }]);
  });

  it("sends no more at once than the contract takes", async () => {
    const { calls, clock, release } = setUp();
    for (const id of ids(1_500)) release(pod, id);
    await clock.advance(250);
    expect(calls.map(({ also = [] }) => 1 + also.length)).toEqual([1_000, 500]);
  });

  it("releases each by itself where the agent refuses several, and no one twice", async () => {
    const { calls, clock, release } = setUp(({ also }) => also === undefined ? Promise.resolve() : refusal());
    for (const id of ids(3)) release(pod, id);
    await clock.advance(250);
    expect(calls.slice(1)).toEqual(ids(3).map((id) => ({ pod, attemptId: id })));
  });

  it.each(
    [["a single one that is refused", 1, refusal], [
      "several that nobody has heard of",
      3,
      () => Promise.reject(new FleetError("agent_unreachable", "Cannot reach the agent")),
    ]] as const,
  )("leaves to the next beat %s", async (_, count, answer) => {
    const { calls, clock, release } = setUp(answer);
    for (const id of ids(count)) release(pod, id);
    await clock.advance(250);
    expect(calls).toHaveLength(1);
    for (const id of ids(count)) release(pod, id);
    await clock.advance(250);
    expect(calls).toHaveLength(2);
  });

  it("calls nobody once the edge stops", async () => {
    const { calls, clock, stopping, release } = setUp();
    release(pod, attemptId(1));
    stopping.abort();
    release(pod, attemptId(2));
    await clock.advance(1_000);
    expect(calls).toEqual([]);
  });
});
