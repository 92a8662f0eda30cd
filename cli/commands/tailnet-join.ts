/** `comfyfleet tailnet join`: the edge's node, of a tailscaled that somebody else runs, as an edge's container does. */
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { joinAsEdge, refuseKeyAsArgument } from "../up/tailnet.ts";

export interface JoinFlags {
  socket?: string;
  tsAuthKey?: string;
  /** Seconds. */
  timeout: number;
}

/** A node that has joined already stays as it is, without a key. @throws FleetError as {@link joinAsEdge} */
export async function joinTailnet(context: CliContext, flags: JoinFlags): Promise<number> {
  const { env, interrupted, render } = context;
  const socketPath = flags.socket ?? (env.TS_SOCKET || null);
  if (socketPath === null) {
    throw new FleetError("invalid_input", "Cannot join: no tailscaled is named", {
      hint: "Name its LocalAPI socket with --socket (or TS_SOCKET).",
    });
  }
  const key = { authKey: flags.tsAuthKey, env };
  // Refused before anybody is asked.
  refuseKeyAsArgument(key);
  await joinAsEdge(socketPath, {
    ...key,
    timeoutMs: flags.timeout * 1_000,
    signal: interrupted,
    say: (message) => render.say(message),
    failed: new Promise<never>(() => {}),
  });
  render.result({ state: "running" }, "The edge's node is on the tailnet.");
  return EXIT.ok;
}
