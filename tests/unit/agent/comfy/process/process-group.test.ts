import { describe, expect, it } from "vitest";
import { endGroup, isAlive } from "../../../../../agent/comfy/process/process-group.ts";
import type { ProcessInfo, ProcessTable } from "../../../../../agent/comfy/process/process-table.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";

const IDENTITY = { pid: 7, startTime: "100" };
const ALIVE: ProcessInfo = { ...IDENTITY, zombie: false };

/** One process that obeys the signals named in `obeys`. */
function setUp(first: ProcessInfo | null, obeys: readonly string[]) {
  let info = first;
  const sent: string[] = [];
  const clock = createVirtualClock();
  const table: ProcessTable = { inspect: () => Promise.resolve(info), findByArgument: () => Promise.resolve([]) };
  const end = endGroup(IDENTITY, {
    table,
    clock,
    pollMs: 10,
    graceMs: 10_000,
    killWaitMs: 1_000,
    signalProcess: (pid, signal) => {
      sent.push(`${signal} ${pid}`);
      if (obeys.includes(signal)) info = null;
    },
  });
  return { end, sent, clock };
}

describe("endGroup()", () => {
  it("asks the group politely, then clears what is left of it", async () => {
    const { end, sent, clock } = setUp(ALIVE, ["SIGINT", "SIGKILL"]);
    await clock.advance(100);
    expect(await end).toBe(true);
    expect(sent).toEqual(["SIGINT -7", "SIGKILL -7"]);
  });

  it("kills the group after the grace and not before", async () => {
    const { end, sent, clock } = setUp(ALIVE, ["SIGKILL"]);
    await clock.advance(9_900);
    expect(sent).toEqual(["SIGINT -7"]);
    await clock.advance(200);
    expect(await end).toBe(true);
    expect(sent).toEqual(["SIGINT -7", "SIGKILL -7"]);
  });

  it("says when a process cannot be killed", async () => {
    const { end, clock } = setUp(ALIVE, []);
    await clock.advance(12_000);
    expect(await end).toBe(false);
  });

  it("never signals a process that has only the same id", async () => {
    const { end, sent, clock } = setUp({ ...ALIVE, startTime: "200" }, []);
    await clock.advance(100);
    expect(await end).toBe(true);
    expect(sent).toEqual([]);
  });
});

describe("isAlive()", () => {
  it("counts a zombie as dead", async () => {
    const table = {
      inspect: () => Promise.resolve({ ...ALIVE, zombie: true }),
      findByArgument: () => Promise.resolve([]),
    };
    expect(await isAlive(IDENTITY, table)).toBe(false);
  });
});
