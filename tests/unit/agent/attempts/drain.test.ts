import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drain } from "../../../../agent/attempts/drain.ts";
import { newOrder, ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

const isOver = ({ finishedAt }: { finishedAt: string | null }) => finishedAt !== null;

describe("drain()", () => {
  it("is over at once where nothing is held, and takes no order from then on", async () => {
    expect(await drain(bench.service, { clock: bench.clock, maxMs: 1_000 })).toBe(0);
    await expect(bench.service.start(newOrder())).rejects.toMatchObject({ code: "comfy_unavailable" });
    expect(bench.service.slots()).toEqual([{ index: 0, ready: false, attemptId: null }]);
  });

  it("waits for the run and for the edge to let go of it, and gives back what waits behind it", async () => {
    const { attemptId, promptId } = await bench.accept();
    const next = newOrder({ after: attemptId });
    await bench.service.start(next);
    let left: number | null = null;
    void drain(bench.service, { clock: bench.clock, maxMs: 60_000 }).then((count) => (left = count));
    expect(await bench.service.get(next.attemptId)).toMatchObject({ state: "lost" });
    await bench.clock.advance(1_000);
    expect(left).toBeNull();
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, isOver);
    await bench.clock.advance(1_000);
    expect(left).toBeNull();
    for (const id of [attemptId, next.attemptId]) await bench.service.release([id]);
    await bench.clock.advance(1_000);
    expect(left).toBe(0);
  });

  it("ends at its deadline, and says what is left", async () => {
    await bench.accept();
    const draining = drain(bench.service, { clock: bench.clock, maxMs: 5_000 });
    await bench.clock.advance(6_000);
    expect(await draining).toBe(1);
  });
});
