/** `comfyfleet agent start|health|doctor`: the agent of this machine. */
import { z } from "zod";
import { ErrorEnvelope, FleetError } from "../../contracts/errors.ts";
import { TailnetReport } from "../../contracts/tailnet/report.ts";
import { askAgent, type SocketAnswer } from "../agent/health-socket.ts";
import { agentEnvironment, runAgent } from "../agent/start.ts";
import type { CliContext } from "../context.ts";
import { type Check, failed, ok, skipped } from "../doctor/check.ts";
import { orAborted } from "../interruption.ts";
import { printChecks } from "../output/check-lines.ts";
import { EXIT } from "../output/exit-codes.ts";

export interface AgentFlags {
  state?: string;
}

export interface StartFlags extends AgentFlags {
  comfyui?: string;
}

/** What `/readyz` says, of any version. */
const Readiness = z.object({
  status: z.string(),
  comfy: z.string().nullish(),
  message: z.string().nullish(),
  tailnet: z.object({ state: z.string(), message: z.string(), fix: z.string().nullish() }).nullish(),
});
type Readiness = z.infer<typeof Readiness>;

const Refusal = z.object({ error: ErrorEnvelope });

function unreadable(cause: unknown): FleetError {
  return new FleetError("agent_incompatible", "Cannot understand the agent: its answer is unexpected", {
    hint: "Run the same version of agent and command.",
    cause,
  });
}

function readinessOf({ body }: SocketAnswer): Readiness {
  const parsed = Readiness.safeParse(body);
  if (parsed.success) return parsed.data;
  throw unreadable(parsed.error);
}

export async function startAgent(context: CliContext, flags: StartFlags): Promise<number> {
  const { env, interrupted, render } = context;
  const named = flags.state === undefined ? env : { ...env, AGENT_STATE_DIR: flags.state };
  const { code, signal } = await runAgent(agentEnvironment(named, { comfyui: flags.comfyui }), interrupted);
  if (code === 0) {
    render.result({ exitCode: code }, "The agent has stopped.");
    return EXIT.ok;
  }
  throw new FleetError("agent_unreachable", `Cannot go on: the agent ended (${signal ?? `exit code ${code}`})`, {
    hint: "Its last words stand above.",
  });
}

export async function agentHealth(context: CliContext, flags: AgentFlags): Promise<number> {
  const { env, interrupted, render } = context;
  const answer = await askAgent("/readyz", { env, state: flags.state }, interrupted);
  const said = readinessOf(answer);
  const ready = answer.status === 200;
  const why = said.tailnet && said.tailnet.state !== "running" ? said.tailnet.message : said.message;
  render.result({ ready, ...said }, ready ? "ready" : `not ready: ${why ?? said.status}`);
  return ready ? EXIT.ok : EXIT.failure;
}

function readyCheck({ status, body }: SocketAnswer): Check {
  const { comfy, message } = readinessOf({ status, body });
  const state = `ComfyUI is ${comfy ?? "not known"}${message ? `: ${message.split("\n", 1)[0]}` : ""}`;
  if (status === 200 || comfy === "ready") return ok("ComfyUI", state);
  return failed("ComfyUI", state, "Look at the agent's log; docs/operations.md has the reasons.");
}

function tailnetChecks({ status, body }: SocketAnswer): readonly Check[] {
  const refusal = Refusal.safeParse(body).data?.error;
  if (refusal?.code === "conflict") return [skipped("tailnet", "this agent is reached directly, with AGENT_SECRET")];
  if (refusal) return [failed("tailnet", refusal.message, refusal.hint ?? "Look at the agent's log.")];
  const report = TailnetReport.safeParse(body);
  if (status !== 200 || !report.success) throw unreadable(report.error);
  return report.data.checks;
}

export async function agentDoctor(context: CliContext, flags: AgentFlags): Promise<number> {
  const options = { env: context.env, state: flags.state };
  const ask = (path: string) => orAborted(askAgent(path, options, context.interrupted), context.interrupted);
  const ready = await ask("/readyz");
  return printChecks(context.render, [readyCheck(ready), ...tailnetChecks(await ask("/tailnet"))]);
}
