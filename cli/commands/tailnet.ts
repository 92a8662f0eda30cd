/** `comfyfleet tailnet status|check`: how the edge and its pods stand on the private network. */
import { createFleet, type Fleet } from "../../client/mod.ts";
import { toFleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { resolveCredentials } from "../credentials.ts";
import { type Check, failed } from "../doctor/check.ts";
import { orAborted } from "../interruption.ts";
import { printChecks } from "../output/check-lines.ts";

export interface TailnetFlags {
  url?: string;
  key?: string;
}

/** Closed ports of every pod are tried, and each trial of a closed one takes its whole time. */
const CHECK_MS = 600_000;

function patient(context: CliContext, flags: TailnetFlags): Fleet {
  return createFleet({ ...resolveCredentials(flags, context), requestTimeoutMs: CHECK_MS });
}

export async function tailnetStatus(context: CliContext, flags: TailnetFlags): Promise<number> {
  const asked = context.fleet(flags).call((trpc) => trpc.tailnet.status.query());
  const { checks, pods } = await orAborted(asked, context.interrupted);
  return printChecks(context.render, checks, { pods });
}

export async function tailnetCheck(context: CliContext, flags: TailnetFlags): Promise<number> {
  const { interrupted, render } = context;
  const fleet = patient(context, flags);
  render.say("Trying what must be closed, 2 s for each port, and asking each pod for what it sees");
  const asked = fleet.call((trpc) => trpc.tailnet.check.mutate(undefined, { signal: interrupted }));
  const { checks } = await orAborted(asked, interrupted);
  return printChecks(render, checks);
}

/** For `doctor`, by an edge of any version; none where there is no tailnet. */
export async function tailnetChecks(fleet: Fleet): Promise<Check[]> {
  try {
    const { checks } = await fleet.call((trpc) => trpc.tailnet.status.query());
    return checks.map(({ name, ...rest }) => ({ ...rest, name: name.startsWith("pod ") ? name : `tailnet ${name}` }));
  } catch (error) {
    const { code, message, hint } = toFleetError(error);
    // An edge on none, and one of a version that knew none.
    if (code === "conflict" || code === "not_found") return [];
    return [failed("tailnet", message, hint ?? "Look at the edge's log.")];
  }
}
