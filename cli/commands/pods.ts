/** `comfyfleet pods ls|get|cordon|uncordon|drain|restart|free`. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet, Pod } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { EXIT } from "../output/exit-codes.ts";
import { podDetails, podTable } from "../output/pod-lines.ts";
import { type PageFlags, printPage } from "../page.ts";
import { requireName, targetPod } from "../pod/target.ts";
import { showDirectPod } from "./direct-pod.ts";
import { findPod } from "./find-pod.ts";

export interface PodsFlags {
  url?: string;
  key?: string;
}

export interface CordonFlags extends PodsFlags {
  reason?: string;
}

export interface DrainFlags extends CordonFlags {
  wait?: boolean;
  timeout: number;
}

export interface RestartFlags extends CordonFlags {
  force?: boolean;
}

const POLL_MS = 500;

export async function listPods(context: CliContext, flags: PageFlags): Promise<number> {
  const { limit, cursor } = flags;
  const listed = context.fleet(flags).call((trpc) => trpc.pods.list.query({ limit, cursor }));
  const page = await orAborted(listed, context.interrupted);
  const none = `No pods yet. Name them in EDGE_PODS, or start one with: ${context.command} up`;
  return printPage(context, page, { text: podTable(page.items, Date.now()), none });
}

export async function getPod(context: CliContext, wanted: string | undefined, flags: PodsFlags): Promise<number> {
  if (context.podHost !== undefined) return await showDirectPod(context, await targetPod(context, wanted, flags));
  const pod = await findPod(context, context.fleet(flags), requireName(wanted));
  context.render.result(pod, podDetails(pod, Date.now()));
  return EXIT.ok;
}

export async function cordonPod(context: CliContext, wanted: string, flags: CordonFlags): Promise<number> {
  const fleet = context.fleet(flags);
  const { id: podId } = await findPod(context, fleet, wanted);
  const act = fleet.call((trpc) => trpc.pods.cordon.mutate({ podId, reason: flags.reason }));
  const pod = await orAborted(act, context.interrupted);
  const back = `${context.command} pods uncordon ${pod.name}`;
  context.render.result(pod, `${pod.name} takes no new work; what runs goes on. Take it back with: ${back}`);
  return EXIT.ok;
}

export async function uncordonPod(context: CliContext, wanted: string, flags: PodsFlags): Promise<number> {
  const fleet = context.fleet(flags);
  const { id: podId } = await findPod(context, fleet, wanted);
  const act = fleet.call((trpc) => trpc.pods.uncordon.mutate({ podId }));
  const pod = await orAborted(act, context.interrupted);
  context.render.result(pod, `${pod.name} takes work again`);
  return EXIT.ok;
}

/** @throws FleetError `timeout` while attempts are left */
async function untilEmpty(
  fleet: Fleet,
  drained: Pod,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
) {
  const untilMs = performance.now() + timeoutMs;
  let pod = drained;
  while ((pod.cordon?.attempts ?? 0) > 0) {
    if (performance.now() > untilMs) {
      const left = pod.cordon?.attempts;
      throw new FleetError("timeout", `Cannot wait longer for ${pod.name} to drain: ${left} attempts are left`, {
        hint:
          "It stays cordoned and goes on draining. Wait again, or see which jobs run with 'jobs ls --state running'.",
      });
    }
    await sleep(POLL_MS, undefined, { signal });
    pod = await fleet.call((trpc) => trpc.pods.get.query({ podId: pod.id }));
  }
  return pod;
}

export async function drainPod(context: CliContext, wanted: string, flags: DrainFlags): Promise<number> {
  const { render, interrupted, command } = context;
  const fleet = context.fleet(flags);
  const { id: podId } = await findPod(context, fleet, wanted);
  const act = fleet.call((trpc) => trpc.pods.drain.mutate({ podId, reason: flags.reason }));
  const drained = await orAborted(act, interrupted);
  if (!flags.wait) {
    const left = drained.cordon?.attempts ?? 0;
    const said = left === 0 ? "is empty" : `ends what runs (${left}) and then is empty`;
    render.result(drained, `${drained.name} takes no new work and ${said}`);
    return EXIT.ok;
  }
  render.say(`${drained.name} is draining; Ctrl-C leaves it so`);
  const waited = untilEmpty(fleet, drained, { timeoutMs: flags.timeout * 1_000, signal: interrupted });
  const pod = await orAborted(waited, interrupted);
  render.result(pod, `${pod.name} is empty. Give it work again with: ${command} pods uncordon ${pod.name}`);
  return EXIT.ok;
}

export async function restartPod(
  context: CliContext,
  wanted: string | undefined,
  flags: RestartFlags,
): Promise<number> {
  const pod = await targetPod(context, wanted, flags);
  const input = { running: flags.force ? "lose" as const : "refuse" as const, reason: flags.reason };
  const act = pod.call((trpc) => trpc.comfy.restart.mutate(input));
  const result = await orAborted(act, context.interrupted).catch((error: unknown) => {
    throw withForce(error, `${pod.commandTo("restart")} --force`);
  });
  context.render.result({ ...pod.named, ...result }, `${pod.name}: ${result.message}`);
  return EXIT.ok;
}

/** A refusal to lose runs, with what to type. */
function withForce(error: unknown, command: string): unknown {
  if (!FleetError.is(error) || error.code !== "conflict" || error.details?.attempts === undefined) return error;
  const hint = `Drain the pod first ('pods drain --wait'), or lose the run, whose job is queued again: ${command}`;
  return new FleetError(error.code, error.message, { ...error.toEnvelope(), hint, cause: error });
}

export async function freePod(context: CliContext, wanted: string | undefined, flags: PodsFlags): Promise<number> {
  const pod = await targetPod(context, wanted, flags);
  const result = await orAborted(pod.call((trpc) => trpc.comfy.free.mutate()), context.interrupted);
  context.render.result({ ...pod.named, ...result }, `${pod.name}: ${result.message}`);
  return EXIT.ok;
}
