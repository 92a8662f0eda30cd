/** Queue, cancel, list and reasons to wait, through real processes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, reached, states } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

describe.each(EDGE_RUNTIMES)("jobs on an edge on %s", (runtime) => {
  let fleet: TestFleet;

  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const idle = () =>
    until("ComfyUI to be idle", async () => {
      const { running, pending } = await fleet.standIn.state();
      return running.length + pending.length === 0 || null;
    });

  it("a job that comes while nothing waits is stored with its attempt, in one commit", async () => {
    // From the second of a kind on, when the planner knows who can run it and has seen that nobody waits.
    await until("a submit to be answered with an assigned job", async () => {
      const job = fleet.client.run(quick());
      const { state, ver } = await job.submitted;
      expect(state).toBe("queued");
      await job;
      return ver === 2 || null;
    });
  });

  it("two jobs wait behind one slot, say so, and run in order", async () => {
    const first = fleet.client.run(slow(40));
    const { id: firstId } = await first.submitted;
    const second = fleet.client.run(slow(10));
    const { id: secondId } = await second.submitted;
    const third = fleet.client.run(slow(10));
    await third.submitted;
    await reached(first.watch(), 0.1);
    expect(await third.get()).toMatchObject({
      state: "queued",
      attempt: 0,
      waiting: { reason: "pods_busy", message: expect.stringContaining("no free slot") },
    });
    const [one, two, three] = await Promise.all([first, second, third]);
    expect(one.job.id).toBe(firstId);
    expect(two.job.id).toBe(secondId);
    const starts = [one, two, three].map(({ job }) => Date.parse(job.startedAt ?? ""));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(Date.parse(one.job.startedAt ?? "")).toBeLessThan(Date.parse(two.job.startedAt ?? ""));
    expect(two.receipt?.timing.queueMs).toBeGreaterThan(300);
    expect(one.job.waiting).toBeNull();
  });

  it("cancel() ends a queued job at once, and ComfyUI never hears of it", async () => {
    const busy = fleet.client.run(slow(40));
    await reached(busy.watch(), 0.05);
    const next = fleet.client.run(quick());
    await until("it to be next", async () => (await next.get()).waiting?.message.startsWith("It is next") || null);
    const waiting = fleet.client.run(quick());
    await waiting.submitted;
    const startedBefore = (await fleet.standIn.state()).worker.started.length;
    const canceled = await waiting.cancel();
    expect(canceled).toMatchObject({ state: "canceled", attempt: 0 });
    await expect(waiting.result()).rejects.toMatchObject({ code: "canceled" });
    await Promise.all([busy, next]);
    expect((await fleet.standIn.state()).worker.started).toHaveLength(startedBefore + 1);
  });

  it("cancel() ends a running job once ComfyUI has stopped it, and the slot is free again", async () => {
    const job = fleet.client.run(slow(2_000));
    const events = collect(job.watch());
    await reached(job.watch(), 0.01);
    const asked = await job.cancel();
    expect(asked.cancelRequested).toBe(true);
    expect(["canceling", "canceled"]).toContain(asked.state);
    expect(states(await events).at(-1)).toBe("canceled");
    expect(await job.get()).toMatchObject({ state: "canceled", outputs: [], error: null });
    await idle();
    await fleet.client.run(quick());
  });

  it("cancel() leaves other jobs alone, and a finished job as it is", async () => {
    const running = fleet.client.run(slow(50));
    await reached(running.watch(), 0.05);
    const waiting = fleet.client.run(quick());
    await waiting.cancel();
    const { job } = await running;
    expect(await running.cancel()).toEqual(job);
  });

  it("an abort with cancelOnAbort cancels the job, one without lets it go on", async () => {
    const leave = new AbortController();
    const left = fleet.client.run(slow(20), {}, { signal: leave.signal });
    await left.submitted;
    leave.abort(new Error("enough"));
    await expect(left.result()).rejects.toThrow("enough");
    expect((await fleet.client.job((await left.submitted).id)).job.state).toBe("succeeded");

    const stop = new AbortController();
    const stopped = fleet.client.run(slow(2_000), {}, { signal: stop.signal, cancelOnAbort: true });
    const { id } = await stopped.submitted;
    stop.abort();
    expect(states(await collect(fleet.client.job(id))).at(-1)).toBe("canceled");
  });

  it("jobs.list pages through every job once, newest first, by state", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) ids.push((await fleet.client.run(quick())).job.id);
    const listed: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof fleet.client.trpc.jobs.list.query>> = await fleet.client.trpc.jobs.list
        .query({ limit: 2, cursor });
      expect(page.items.length).toBeLessThanOrEqual(2);
      listed.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null && pages < 50);
    expect(listed.slice(0, 3)).toEqual(ids.toReversed());
    expect(new Set(listed).size).toBe(listed.length);
    const canceled = await fleet.client.trpc.jobs.list.query({ state: ["canceled"] });
    expect(canceled.items.length).toBeGreaterThan(0);
    expect(canceled.items.every(({ state }) => state === "canceled")).toBe(true);
    await expect(fleet.client.call((trpc) => trpc.jobs.list.query({ limit: 101 }))).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(fleet.client.call((trpc) => trpc.jobs.list.query({ cursor: "nonsense" }))).rejects.toMatchObject({
      code: "invalid_input",
    });
  });

  it("startWithinMs makes a job that no slot takes in time expired", async () => {
    const busy = fleet.client.run(slow(2_000));
    await reached(busy.watch(), 0.001);
    const late = fleet.client.run(quick(), {}, { startWithinMs: 1_000 });
    await expect(late.result()).rejects.toMatchObject({ code: "expired", hint: expect.any(String) });
    expect((await late.get()).state).toBe("expired");
    await busy.cancel();
    await idle();
  });

  it("runWithinMs ends a run that takes longer as failed with timeout", async () => {
    const job = fleet.client.run(slow(2_000), {}, { runWithinMs: 1_000 });
    await expect(job.result()).rejects.toMatchObject({ code: "timeout" });
    expect((await job.get()).state).toBe("failed");
    await idle();
  });
});

describe.each(EDGE_RUNTIMES)("jobs before a pod is known to an edge on %s", (runtime) => {
  let fleet: TestFleet;

  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, agentStarted: false });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  it("wait with a reason, and run when the pod comes; one that it cannot run says what is missing", async () => {
    const job = fleet.client.run(quick());
    const foreign = { "1": { class_type: "NodeOfAnotherPlanet", inputs: {} } };
    const stuck = fleet.client.run(foreign);
    for (const handle of [job, stuck]) {
      const { waiting, state } = await handle.submitted;
      expect(state).toBe("queued");
      expect(waiting).toEqual({ reason: expect.stringMatching(/no_pods|pods_not_ready/), message: expect.any(String) });
    }
    fleet.agent.start();
    const { job: done } = await job;
    expect(done.state).toBe("succeeded");
    const told = await until("the reason to name the class", async () => {
      const { waiting } = await stuck.get();
      return waiting?.reason === "no_capable_pod" ? waiting : null;
    });
    expect(told.message).toContain("'NodeOfAnotherPlanet'");
    expect((await stuck.cancel()).state).toBe("canceled");
  });
});
