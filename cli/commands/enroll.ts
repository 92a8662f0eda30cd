/** `comfyfleet pods enroll` and `comfyfleet pods remove`. */
import type { RemovedPod } from "../../contracts/edge/enrolment.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { EXIT } from "../output/exit-codes.ts";
import { START_NEEDS, startCommand, stateFolder } from "../output/start-command.ts";
import { findPod } from "./find-pod.ts";
import type { CordonFlags, PodsFlags } from "./pods.ts";

export interface EnrollFlags extends PodsFlags {
  count: number;
  /** Ms. */
  ttl: number;
  dev?: boolean;
}

export interface RemoveFlags extends CordonFlags {
  force?: boolean;
}

export async function enrollPods(context: CliContext, flags: EnrollFlags): Promise<number> {
  const { count, ttl: ttlMs, dev = false } = flags;
  const { render, interrupted, command } = context;
  const fleet = context.fleet(flags);
  // Not left alone at an interruption: the edge takes back what nobody gets to see.
  const asked = fleet.call((trpc) => trpc.pods.enroll.mutate({ count, ttlMs, dev }, { signal: interrupted }));
  const { pods, controlUrl, tag } = await orAborted(asked, interrupted);
  const started = pods.map((pod) => ({ ...pod, start: startCommand(pod, controlUrl) }));
  const [first] = pods;
  const many = pods.length === 1 ? "A pod is awaited" : `${pods.length} pods are awaited`;
  render.say(
    `${many} until ${first?.expiresAt}. Each command below starts one pod, once; the keys are shown this once.`,
  );
  const blocks = started.map((pod) =>
    `# ${pod.podId}${dev ? " (for development: it gets no jobs)" : ""}\n${pod.start}`
  );
  render.result({ pods: started, controlUrl, tag }, [START_NEEDS, ...blocks].join("\n\n"));
  if (first) {
    render.say(`\nIn the same folder there: npx --no comfyfleet agent doctor --state ${stateFolder(first)}`);
    render.say(`Here, whom the fleet has: ${command} pods ls`);
  }
  return EXIT.ok;
}

function removalText({ name, device, key, attempts }: RemovedPod): string {
  const done = [
    device === "deleted" ? "its device is deleted" : null,
    key === "revoked" ? "its key is revoked" : null,
    attempts > 0 ? `${attempts} jobs are queued again` : null,
  ].filter((part) => part !== null);
  return [`${name} is no pod of the fleet any more`, ...done].join("; ");
}

/** A refusal to lose runs, with what to type. */
function withForce(error: unknown, command: string, name: string): unknown {
  if (!FleetError.is(error) || error.code !== "conflict" || error.details?.attempts === undefined) return error;
  const hint = `Empty it first ('${command} pods drain ${name} --wait'), or have its jobs queued again: ` +
    `${command} pods remove ${name} --force`;
  return new FleetError(error.code, error.message, { ...error.toEnvelope(), hint, cause: error });
}

export async function removePod(context: CliContext, wanted: string, flags: RemoveFlags): Promise<number> {
  const { render, interrupted, command } = context;
  const fleet = context.fleet(flags);
  const { id: podId, name } = await findPod(context, fleet, wanted);
  const running = flags.force ? "lose" as const : "refuse" as const;
  const act = fleet.call((trpc) => trpc.pods.remove.mutate({ podId, running, reason: flags.reason }));
  const removed = await orAborted(act, interrupted).catch((error: unknown) => {
    throw withForce(error, command, name);
  });
  render.result(removed, removalText(removed));
  return EXIT.ok;
}
