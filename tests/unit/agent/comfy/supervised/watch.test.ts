import { DatabaseSync } from "node:sqlite";
import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { createGenerationJournal } from "../../../../../agent/comfy/generation-journal.ts";
import { createEnding } from "../../../../../agent/comfy/supervised/ending.ts";
import type { SupervisedContext } from "../../../../../agent/comfy/supervised/options.ts";
import { createLogReader, watchLiveness } from "../../../../../agent/comfy/supervised/watch.ts";
import { createLogRing } from "../../../../../agent/comfy/log/log-ring.ts";
import { DEFAULT_TIMINGS } from "../../../../../agent/comfy/timings.ts";
import { createSilentLogger } from "../../../../support/comfy/silent-logger.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";

/** A ComfyUI of which a test says what it answers; null = nothing. */
function setUp(answers: { waiting: number | null; jobs: string[] | null }) {
  const clock = createVirtualClock();
  const reply = (body: unknown, status = 200) => Promise.resolve(new Response(JSON.stringify(body), { status }));
  const context: SupervisedContext = {
    command: ["none"],
    cwd: "/",
    args: [],
    partnerNodes: false,
    env: {},
    redactLine: (text) => text,
    parentEnv: {},
    stateDir: "/",
    port: 0,
    journal: createGenerationJournal(new DatabaseSync(":memory:")),
    logger: createSilentLogger(),
    signalProcess: () => {},
    maxLogFileBytes: 1,
    clock,
    random: Math.random,
    spawn,
    processTable: { inspect: () => Promise.resolve(null), findByArgument: () => Promise.resolve([]) },
    readGroupRss: () => Promise.resolve(null),
    memoryLimits: { maxRssBytes: Number.POSITIVE_INFINITY, minFreeVramBytes: null },
    randomUuid: () => crypto.randomUUID(),
    timings: DEFAULT_TIMINGS,
    fetch: (url) => {
      if (String(url).includes("/api/jobs")) {
        return answers.jobs === null ? reply("", 404) : reply({ jobs: answers.jobs.map((status) => ({ status })) });
      }
      if (answers.waiting === null) return Promise.reject(new TypeError("fetch failed"));
      return reply({ exec_info: { queue_remaining: answers.waiting } });
    },
  };
  const ending = createEnding();
  const watching = watchLiveness(context, "http://comfy", ending);
  return { answers, clock, context, ending, watching };
}

describe("watchLiveness()", () => {
  it("waits out a silence that is shorter than the tolerance", async () => {
    const { answers, clock, ending } = setUp({ waiting: 0, jobs: [] });
    await clock.advance(20_000);
    answers.waiting = null;
    await clock.advance(55_000);
    answers.waiting = 0;
    await clock.advance(30_000);
    answers.waiting = null;
    await clock.advance(55_000);
    expect(ending.cause).toBeNull();
    ending.because({ reason: "Stopped", message: "" });
  });

  it("gives up after the tolerance", async () => {
    const { clock, ending, watching } = setUp({ waiting: null, jobs: [] });
    await clock.advance(65_000);
    expect(ending.cause).toMatchObject({ reason: "Unresponsive" });
    await watching;
  });

  it("sees a dead worker by prompts that wait while none runs", async () => {
    const { clock, ending, watching } = setUp({ waiting: 2, jobs: ["pending", "pending"] });
    await clock.advance(16_000);
    expect(ending.cause).toMatchObject({ reason: "WorkerDied" });
    await watching;
  });

  it("takes neither a running prompt nor an old version's silence for a dead worker", async () => {
    for (const jobs of [["in_progress", "pending"], null]) {
      const { clock, ending } = setUp({ waiting: 2, jobs });
      await clock.advance(120_000);
      expect(ending.cause).toBeNull();
      ending.because({ reason: "Stopped", message: "" });
    }
  });

  it("forgives a moment between two prompts", async () => {
    const { answers, clock, ending } = setUp({ waiting: 1, jobs: ["pending"] });
    for (let moment = 0; moment < 10; moment++) {
      await clock.advance(6_000);
      answers.jobs = moment % 2 === 0 ? ["in_progress"] : ["pending"];
    }
    expect(ending.cause).toBeNull();
    ending.because({ reason: "Stopped", message: "" });
  });
});

describe("createLogReader()", () => {
  it("understands a line whatever was taken out of it, and repeats only what is left", () => {
    const { context, ending } = setUp({ waiting: 0, jobs: [] });
    const ring = createLogRing(5);
    const { read } = createLogReader(context, ending, ring);
    const said = "Exception in thread Thread-5 (prompt_worker):";
    const text = said.replace("prompt_worker", "[redacted]");
    read({ text, transient: false }, said);
    expect(ending.cause?.reason).toBe("WorkerDied");
    expect(ring.last(1)).toEqual([text]);
  });
});
