// A socket that is deaf, doubled, turned round or cut: the attempt ends as if nothing were wrong, once.
import { describe, expect, it } from "vitest";
import type { AttemptId } from "../../../contracts/ids.ts";
import { until } from "../../contract/agent/agent-process.ts";
import {
  begin,
  begun,
  comfyReady,
  expectNoRestart,
  expectOneRestart,
  type FaultyAgent,
  logged,
  runToEnd,
  startFaultyAgent,
} from "./faulty-agent.ts";
import { finalReport, imageGraph, reportWhen, slowGraph } from "../../contract/agent/orders.ts";

const SUCCEEDED = { state: "succeeded", progress: { value: 1 } };

/** Steps of the slow graph; 20 ms each. */
const STEPS = 40;

/** Every progress of an attempt as a watcher sees it. */
async function progressOf({ agent }: FaultyAgent, attemptId: AttemptId): Promise<number[]> {
  const values: number[] = [];
  const { resolve, reject, promise } = Promise.withResolvers<void>();
  const watching = agent.client.attempts.watch.subscribe({ attemptId }, {
    onData: (event) => {
      if (event.type === "progress") values.push(event.progress.value);
    },
    onComplete: resolve,
    onError: reject,
  });
  await promise;
  watching.unsubscribe();
  return values;
}

async function hearers({ standIn }: FaultyAgent): Promise<number> {
  return (await standIn.state()).clientIds.length;
}

describe("messages in another order or number", () => {
  // In the middle of a node, and in stretches three times as long as progress is held together for watchers: the lowest
  // step of a stretch comes last of it, and a watcher would see it after the highest.
  it.each(
    [
      ["duplicated-events", [["duplicated-events"], ["shuffled-events", "600ms"]]],
      ["shuffled-events", [["shuffled-events", "600ms"]]],
    ] as const,
  )("%s: the attempt succeeds once, and progress never falls", async (_fault, faults) => {
    await using faulty = await startFaultyAgent();
    const { attemptId } = await begin(faulty, slowGraph(250));
    await reportWhen(faulty.agent, attemptId, ({ progress }) => (progress?.step ?? 0) > 0);
    for (const [name, argument] of faults) await faulty.standIn.arm(name, argument);
    const values = await progressOf(faulty, attemptId);
    expect(await finalReport(faulty.agent, attemptId)).toMatchObject(SUCCEEDED);
    expect(new Set(values).size).toBeGreaterThan(3);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(await begun(faulty)).toBe(1);
    await expectNoRestart(faulty);
  });
});

describe("a deaf socket", () => {
  it("deaf-socket in a run: the poll finds the end, the next submit finds the deafness, and nothing is restarted", async () => {
    await using faulty = await startFaultyAgent();
    await faulty.standIn.arm("deaf-socket", "node:3");
    expect(await runToEnd(faulty, slowGraph(STEPS))).toMatchObject(SUCCEEDED);
    expect(await hearers(faulty)).toBe(0);
    await faulty.standIn.clear();
    expect(await runToEnd(faulty, imageGraph())).toMatchObject(SUCCEEDED);
    await logged(faulty, "it heard nothing of a submitted prompt");
    await until(async () => await hearers(faulty) === 1 || null, () => faulty.agent.log);
    expect(await begun(faulty)).toBe(2);
    await expectNoRestart(faulty);
  });

  it("late-close: a client that came back under its id becomes deaf, and hears again after the next submit", async () => {
    await using faulty = await startFaultyAgent();
    await faulty.standIn.arm("late-close", "700ms");
    await faulty.standIn.arm("drop-socket");
    await logged(faulty, "ComfyUI's socket ended");
    await until(async () => await hearers(faulty) === 0 || null, () => faulty.agent.log);
    await faulty.standIn.clear();
    expect(await runToEnd(faulty, imageGraph())).toMatchObject(SUCCEEDED);
    await logged(faulty, "it heard nothing of a submitted prompt");
    await until(async () => await hearers(faulty) === 1 || null, () => faulty.agent.log);
    await expectNoRestart(faulty);
  });

  it("stuck-delivery: deaf again after it was opened anew; what runs succeeds, then ComfyUI is started anew", async () => {
    await using faulty = await startFaultyAgent();
    await faulty.standIn.arm("stuck-delivery");
    expect(await runToEnd(faulty, imageGraph())).toMatchObject(SUCCEEDED);
    await logged(faulty, "it heard nothing of a submitted prompt");
    await until(async () => await hearers(faulty) === 1 || null, () => faulty.agent.log);
    // Long enough to be running when the second connection is found deaf.
    const second = await begin(faulty, slowGraph(200));
    const waits = await until(async () => {
      const condition = await comfyReady(faulty);
      return condition.status === "false" ? condition : null;
    }, () => faulty.agent.log);
    expect(waits).toMatchObject({ reason: "SocketDeaf", message: expect.stringContaining("takes no more jobs") });
    expect(await finalReport(faulty.agent, second.attemptId)).toMatchObject(SUCCEEDED);
    await expectOneRestart(faulty, "SocketDeaf", /WebSocket heard nothing of submitted prompts/);
    expect(await runToEnd(faulty, imageGraph())).toMatchObject(SUCCEEDED);
  });
});
