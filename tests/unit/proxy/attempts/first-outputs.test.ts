import { describe, expect, it } from "vitest";
import { createFirstOutputs } from "../../../../proxy/attempts/first-outputs.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { attemptId, podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { setUpPodSide } from "../pods/pod-side.ts";
import { output, running, succeeded } from "./attempt-steps.ts";

function setUp(answer: (signal: AbortSignal) => Promise<Response> = () => Promise.resolve(new Response("bytes"))) {
  const asked: { path: string; signal: AbortSignal }[] = [];
  const clock = createManualClock();
  const stopping = new AbortController();
  const agents = {
    fetch(_pod: string, path: string, { signal }: RequestInit = {}) {
      const own = signal ?? new AbortController().signal;
      asked.push({ path, signal: own });
      return answer(own);
    },
  };
  const first = createFirstOutputs({ agents, clock, timeoutMs: 1_000, signal: stopping.signal });
  return { asked, clock, stopping, first };
}

/** Answers when the caller gives up. */
const hangs = (signal: AbortSignal) =>
  new Promise<Response>((_, reject) => signal.addEventListener("abort", () => reject(new Error("cut"))));

describe("createFirstOutputs()", () => {
  it("asks once for the first output, and hands the answer over once", async () => {
    const { asked, first } = setUp();
    first.expect(podId(1), attemptId(1));
    first.expect(podId(1), attemptId(1));
    expect(asked.map(({ path }) => path)).toEqual([`/attempts/${attemptId(1)}/outputs/0`]);
    expect(first.take(podId(2), attemptId(1))).toBeNull();
    expect(await (await first.take(podId(1), attemptId(1))?.response)?.text()).toBe("bytes");
    expect(first.take(podId(1), attemptId(1))).toBeNull();
  });

  it("has no answer when its taker ends it", async () => {
    const { asked, first } = setUp(hangs);
    first.expect(podId(1), attemptId(1));
    const taken = first.take(podId(1), attemptId(1));
    taken?.abort();
    expect(await taken?.response).toBeNull();
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  describe.each([["without", hangs], ["with", undefined]])("%s an answer", (_with, answer) => {
    it.each(["is dropped", "is held too long", "is cut by the edge's stop"])("keeps nothing that %s", async (how) => {
      const { asked, clock, stopping, first } = setUp(answer);
      first.expect(podId(1), attemptId(1));
      await clock.advance(999);
      expect(asked[0]?.signal.aborted).toBe(false);
      if (how === "is dropped") first.drop(podId(1), attemptId(1));
      if (how === "is held too long") await clock.advance(2);
      if (how === "is cut by the edge's stop") stopping.abort();
      expect(asked[0]?.signal.aborted).toBe(true);
      expect(first.take(podId(1), attemptId(1))).toBeNull();
    });
  });

  it("leaves to its taker how long it lasts", async () => {
    const { asked, clock, stopping, first } = setUp(hangs);
    first.expect(podId(1), attemptId(1));
    first.take(podId(1), attemptId(1));
    await clock.advance(5_000);
    stopping.abort();
    expect(asked[0]?.signal.aborted).toBe(false);
  });

  it("keeps no connection for an answer that is none", async () => {
    const canceled = Promise.withResolvers<void>();
    const body = new ReadableStream({ cancel: () => canceled.resolve() });
    const { first } = setUp(() => Promise.resolve(new Response(body, { status: 404 })));
    first.expect(podId(1), attemptId(1));
    await canceled.promise;
    expect(await first.take(podId(1), attemptId(1))?.response).toBeNull();
  });
});

describe("an attempt that collects", () => {
  /** What the edge asked its agent for, in order. */
  async function runToEnd(reported: "its bytes" | "other bytes" | "no output") {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const paths: string[] = [];
    const fetchAgent = side.agent.fetch;
    side.agent.fetch = (request) => {
      const { pathname } = new URL(request.url);
      if (pathname.includes("/outputs/")) paths.push(pathname);
      return fetchAgent(request);
    };
    const made = output(side, order, { text: "a picture" });
    await side.settlement.settle(side.podId, reportOf(order, "collecting", { rev: 2 }));
    await expect.poll(() => paths.length).toBe(1);
    if (reported === "other bytes") output(side, order, { text: "another picture" });
    const said = reported === "other bytes" ? output(side, order, { text: "another picture" }) : made;
    await side.settlement.settle(side.podId, succeeded(order, reported === "no output" ? [] : [said]));
    return { job: await side.job(id), asked: paths.length, expected: said.sha256 };
  }

  it("has its first output on the way before it says what that is", async () => {
    const { job, asked, expected } = await runToEnd("its bytes");
    expect(job).toMatchObject({ state: "succeeded", outputs: [{ sha256: expected }] });
    expect(asked).toBe(1);
  });

  it("has it fetched again when it says other bytes", async () => {
    const { job, asked, expected } = await runToEnd("other bytes");
    expect(job).toMatchObject({ state: "succeeded", outputs: [{ sha256: expected }] });
    expect(asked).toBe(2);
  });

  it("may have made none", async () => {
    expect((await runToEnd("no output")).job).toMatchObject({ state: "succeeded", outputs: [] });
  });
});
