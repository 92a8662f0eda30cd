import { describe, expect, it } from "vitest";
import { createLogFeed } from "../../../../agent/comfy/log/log-feed.ts";
import { ComfyService } from "../../../../agent/pod/comfy-service.ts";
import { ComfyReport, type FollowLog, type LogEvent } from "../../../../contracts/agent/comfy.ts";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import type { Tracked } from "../../../../contracts/trpc.ts";
import { FakeComfyPort } from "../../../support/fake-comfy-port.ts";

const ATTEMPT = "att_01jd8qf2e0f0x8j3m5p7q9s1tv";

function setUp({ attached = false, states = [] as AttemptReport["state"][] } = {}) {
  const comfy = new FakeComfyPort();
  comfy.ownsProcess = !attached;
  const log = createLogFeed({ id: "life-1", clock: { now: () => 5 }, maxLines: 10, maxChars: 1_000 });
  if (!attached) comfy.log = log;
  const service = new ComfyService({
    comfy,
    attempts: { reports: () => states.map((state) => ({ attemptId: ATTEMPT, state })) },
    mode: attached ? "attached" : "supervised",
    now: () => 1_000,
  });
  comfy.ready();
  return { comfy, service, log };
}

const say = (log: ReturnType<typeof setUp>["log"], ...texts: string[]) => {
  for (const text of texts) log.add({ text, transient: false });
};

async function read(service: ComfyService, input: Partial<FollowLog>, count: number) {
  const events: Tracked<LogEvent>[] = [];
  for await (const event of service.followLogs({ lines: 0, ...input }, new AbortController().signal)) {
    if (events.push(event) === count) break;
  }
  return events.map(({ id, data }) => `${id} ${data.type === "gap" ? `gap ${data.missed}` : data.line.text}`);
}

describe("ComfyService", () => {
  it("status() fits the contract and names the attempts that are not final", async () => {
    const { service } = setUp({ states: ["running", "succeeded"] });
    const report = ComfyReport.parse(await service.status());
    expect(report).toMatchObject({
      mode: "supervised",
      state: "ready",
      takesJobs: true,
      generation: { id: "generation-1", adopted: false },
      attempts: [{ attemptId: ATTEMPT, state: "running" }],
      now: "1970-01-01T00:00:01.000Z",
    });
  });

  it.each(["accepted", "running"] as const)(
    "restart() refuses to lose a run that is %s, unless told to",
    async (state) => {
      const { service, comfy } = setUp({ states: [state, "failed"] });
      await expect(service.restart({ reason: "", running: "refuse" })).rejects.toMatchObject({
        code: "conflict",
        hint: expect.stringContaining("pods.drain"),
        details: { attempts: [{ attemptId: ATTEMPT, fate: "lost" }] },
      });
      expect(comfy.restarts).toEqual([]);
      const done = await service.restart({ reason: "leaks", running: "lose" });
      expect(done).toMatchObject({ status: "restarting", attempts: [{ attemptId: ATTEMPT, fate: "lost" }] });
      expect(done.message).toContain("queues their jobs again");
      expect(comfy.restarts).toEqual(["OperatorRestart"]);
    },
  );

  it("restart() of a ComfyUI that is done with its run keeps the outputs", async () => {
    const { service, comfy } = setUp({ states: ["collecting"] });
    const done = await service.restart({ reason: "", running: "refuse" });
    expect(done).toMatchObject({ endedGeneration: "generation-1", attempts: [{ fate: "kept" }] });
    expect(comfy.restarts).toHaveLength(1);
  });

  it("restart() says so when a start is under way anyway, and refuses while the agent stops", async () => {
    const { service, comfy } = setUp();
    comfy.die();
    expect(await service.restart({ reason: "", running: "refuse" })).toMatchObject({ status: "under_way" });
    comfy.change({ state: "stopping" });
    await expect(service.restart({ reason: "", running: "refuse" })).rejects.toMatchObject({
      code: "comfy_unavailable",
    });
    expect(comfy.restarts).toEqual([]);
  });

  it("attached: restart() and the log are refused with what to do; free() works", async () => {
    const { service, comfy } = setUp({ attached: true });
    const refusal = { code: "conflict", retryable: false, details: { mode: "attached" }, hint: expect.any(String) };
    await expect(service.restart({ reason: "", running: "lose" })).rejects.toMatchObject(refusal);
    await expect(service.logs(10)).rejects.toMatchObject(refusal);
    await expect(read(service, {}, 1)).rejects.toMatchObject(refusal);
    expect(await service.free()).toMatchObject({ status: "asked" });
    expect(comfy.freed).toBe(1);
  });

  it("free() says when a run is before it, and is refused by a ComfyUI that is not there", async () => {
    const { service, comfy } = setUp({ states: ["running"] });
    expect(await service.free()).toMatchObject({ status: "after_running" });
    comfy.reachable = false;
    await expect(service.free()).rejects.toMatchObject({ code: "comfy_unavailable" });
  });

  it("logs() gives the newest lines", async () => {
    const { service, log } = setUp();
    say(log, "a", "b", "c");
    const page = await service.logs(2);
    expect(page.logId).toBe("life-1");
    expect(page.lines).toEqual([
      { number: 2, at: "1970-01-01T00:00:00.005Z", text: "b", transient: false },
      { number: 3, at: "1970-01-01T00:00:00.005Z", text: "c", transient: false },
    ]);
  });

  it("followLogs() begins so many lines back, and resumes after the last event seen", async () => {
    const { service, log } = setUp();
    say(log, "a", "b", "c");
    expect(await read(service, { lines: 2 }, 2)).toEqual(["life-1.2 b", "life-1.3 c"]);
    expect(await read(service, { lines: 9, lastEventId: "life-1.1" }, 2)).toEqual(["life-1.2 b", "life-1.3 c"]);
    const next = read(service, { lastEventId: "life-1.3" }, 1);
    say(log, "d");
    expect(await next).toEqual(["life-1.4 d"]);
    const fresh = read(service, {}, 1);
    say(log, "e");
    expect(await fresh).toEqual(["life-1.5 e"]);
  });

  it.each(["life-0.2", "nonsense", "life-1.99999999999999999999"])(
    "followLogs() after %s, which no line of this log had, tells of a gap and then all it has",
    async (lastEventId) => {
      const { service, log } = setUp();
      say(log, "a", "b");
      expect(await read(service, { lastEventId }, 3)).toEqual(["life-1.0 gap null", "life-1.1 a", "life-1.2 b"]);
    },
  );

  it("followLogs() ends when the service stops", async () => {
    const { service } = setUp();
    const ended = read(service, {}, 1);
    service.stop();
    expect(await ended).toEqual([]);
  });
});
