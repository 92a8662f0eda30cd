// An agent whose ComfyUI misbehaves on command, and what must be seen of it: restarts, each with one reason, or none.
import { expect } from "vitest";
import { typeid } from "typeid-js";
import { z } from "zod";
import { connectStandIn, type StandIn } from "../../support/fleet/stand-in.ts";
import { freePort } from "../../support/fleet/free-port.ts";
import type { AttemptReport, StartAttempt } from "../../../contracts/attempt.ts";
import { EdgeId } from "../../../contracts/ids.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { AgentProcess, until } from "../../contract/agent/agent-process.ts";
import { finalReport, order, POD_ID } from "../../contract/agent/orders.ts";

const EDGE_ID = EdgeId.parse(typeid("edge").toString());

export interface FaultyAgent extends AsyncDisposable {
  readonly agent: AgentProcess;
  readonly standIn: StandIn;
  /** Process id of the first ComfyUI. */
  readonly firstPid: number | null;
}

export interface FaultySetup {
  /** Settings of the agent. */
  env?: Record<string, string>;
  /** Flags of the stand-in. A fault that is given here comes back with every new process; an armed one does not. */
  args?: string[];
}

/** Stops are quick: a ComfyUI that hangs heeds no SIGINT. */
const ENV = { COMFYUI_STOP_GRACE_MS: "500" };

export async function startFaultyAgent({ env = {}, args = [] }: FaultySetup = {}): Promise<FaultyAgent> {
  const control = await freePort();
  const comfyArgs = JSON.stringify(["--control-port", String(control), "--step-ms", "20", ...args]);
  const agent = new AgentProcess({ ...ENV, COMFYUI_ARGS: comfyArgs, ...env });
  await (await agent.start()).ready();
  return {
    agent,
    standIn: connectStandIn(control),
    firstPid: agent.comfyPid(),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

export async function begin({ agent }: FaultyAgent, workflow: Workflow): Promise<StartAttempt> {
  const start = order(workflow);
  expect(await agent.client.attempts.start.mutate(start)).toEqual({ status: "accepted" });
  return start;
}

export async function runToEnd(faulty: FaultyAgent, workflow: Workflow): Promise<AttemptReport> {
  const { attemptId } = await begin(faulty, workflow);
  return await finalReport(faulty.agent, attemptId);
}

const Restart = z.object({ msg: z.literal("ComfyUI is started anew"), reason: z.string(), message: z.string() });

/** What the agent's log says of restarts, oldest first. */
function restartsOf({ log }: AgentProcess): { reason: string; message: string }[] {
  return log.split("\n").flatMap((line) => {
    if (!line.includes("ComfyUI is started anew")) return [];
    const { reason, message } = Restart.parse(JSON.parse(line));
    return [{ reason, message }];
  });
}

export async function comfyReady({ agent }: FaultyAgent) {
  const beat = { podId: POD_ID, edgeId: EDGE_ID, epoch: 1, leaseMs: 15_000, cancel: [], known: [] };
  const { conditions } = await agent.client.pod.beat.mutate(beat);
  const found = conditions.find(({ type }) => type === "ComfyReady");
  if (found === undefined) throw new Error("Cannot read ComfyReady: the beat has no such condition");
  return found;
}

/** ComfyUI was started anew once, for this reason, which stands in the log and in the condition; and it works again. */
export async function expectOneRestart(faulty: FaultyAgent, reason: string, message: RegExp): Promise<void> {
  const { agent, firstPid } = faulty;
  await agent.replaced(firstPid);
  const condition = await comfyReady(faulty);
  expect(condition).toMatchObject({ status: "true", reason: "Ready" });
  expect(condition.message).toContain(`(${reason}): `);
  expect(condition.message).toMatch(message);
  expect(restartsOf(agent)).toEqual([{ reason, message: expect.stringMatching(message) }]);
}

/** ComfyUI is the one that it was, and ready. */
export async function expectNoRestart(faulty: FaultyAgent): Promise<void> {
  const { agent, firstPid } = faulty;
  expect(agent.comfyPid()).toBe(firstPid);
  expect(restartsOf(agent)).toEqual([]);
  expect(await comfyReady(faulty)).toMatchObject({ status: "true", reason: "Ready" });
}

/** How many prompts this ComfyUI has begun. */
export async function begun({ standIn }: FaultyAgent): Promise<number> {
  return (await standIn.state()).worker.started.length;
}

/** Waits for a line of the agent's log. */
export async function logged({ agent }: FaultyAgent, text: string): Promise<void> {
  await until(() => agent.log.includes(text) || null, () => agent.log);
}
