/** Starts the edge's tailscaled as one of `up`'s children, and has it join. */
import { FleetError } from "../../contracts/errors.ts";
import { type Child, superviseChild } from "./child.ts";
import { joinAsEdge, makeTailnetFolder, planTailnet, refuseKeyAsArgument, type TailnetOptions } from "./tailnet.ts";

export interface StartTailnetOptions extends TailnetOptions {
  dataDir: string;
  timeoutMs: number;
  signal: AbortSignal;
  say(text: string): void;
  onGiveUp(reason: string): void;
  /** Resolves when a child is given up, with the reason. */
  broken: Promise<string>;
}

export interface RunningTailnet {
  child: Child;
  socketPath: string;
}

/** It writes what it keeps, and leaves the tailnet's list alone: the next start is the same node. */
const STOP_GRACE_MS = 10_000;

/** @throws FleetError `tailnet_unavailable`, `timeout`, `invalid_input`; nothing runs then */
export async function startTailnet(options: StartTailnetOptions): Promise<RunningTailnet> {
  const { say, onGiveUp, broken } = options;
  // Refused before anything runs.
  refuseKeyAsArgument(options);
  const plan = planTailnet(options.dataDir, options.env);
  makeTailnetFolder(plan);
  const { command, env, logPath } = plan;
  const child = superviseChild({
    ...{ name: "tailscaled", command, env, logPath, onRestart: say, onGiveUp },
    lifeline: true,
    stopGraceMs: STOP_GRACE_MS,
  });
  const failed = broken.then((reason) => {
    throw new FleetError("tailnet_unavailable", `Cannot start: ${reason}`, {
      hint: "Install tailscaled, or name the program in TAILSCALED.",
      retryable: false,
    });
  });
  // Whatever breaks after the join is the whole fleet's to tell.
  failed.catch(() => {});
  try {
    await joinAsEdge(plan.files.socket, { ...options, failed });
  } catch (error) {
    if (!options.signal.aborted) say(`log: ${logPath}`);
    await child.stop();
    throw error;
  }
  return { child, socketPath: plan.files.socket };
}
