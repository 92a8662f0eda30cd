/** `comfyfleet up`: a whole fleet on this machine, or the edge of one on a tailnet, in the foreground. */
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { chooseComfy, describeComfy } from "../up/comfy-source.ts";
import { startLocalFleet } from "../up/local-fleet.ts";
import type { ComfySource } from "../up/plan.ts";

export interface UpFlags {
  comfyui?: string;
  port: number;
  host: string;
  data: string;
  runtime: "auto" | "deno" | "node";
  readyTimeout: number;
  tailnet?: boolean;
  tsAuthKey?: string;
}

/** @throws FleetError `invalid_input` for an edge that would never have a pod */
function chooseOwnPod({ comfyui }: UpFlags, env: CliContext["env"], tailnet: boolean): ComfySource | null {
  if (comfyui !== "none") return chooseComfy(comfyui, env);
  if (tailnet) return null;
  throw new FleetError(
    "invalid_input",
    "Cannot start an edge without a pod: it is on no tailnet where it could meet one",
    {
      hint: "Add --tailnet, or leave '--comfyui none' out.",
    },
  );
}

export async function up(context: CliContext, flags: UpFlags): Promise<number> {
  const { render, interrupted, env, command } = context;
  const tailnet = flags.tailnet ?? flags.tsAuthKey !== undefined;
  const comfy = chooseOwnPod(flags, env, tailnet);
  render.say(
    comfy ? `Starting an edge and an agent with ${describeComfy(comfy)}` : "Starting an edge, and no pod here",
  );
  const fleet = await startLocalFleet({
    dataDir: flags.data,
    comfy,
    port: flags.port,
    listenHost: flags.host,
    runtime: flags.runtime,
    env,
    ...(tailnet ? { tailnet: { authKey: flags.tsAuthKey } } : {}),
    readyTimeoutMs: flags.readyTimeout * 1_000,
    signal: interrupted,
    say: (text) => render.say(text),
  });
  const key = fleet.newKey
    ? `${fleet.apiKey}  (shown once; kept in ${fleet.credentialsPath})`
    : `in ${fleet.credentialsPath}`;
  render.result(
    {
      baseUrl: fleet.baseUrl,
      runtime: fleet.runtime,
      credentialsPath: fleet.credentialsPath,
      ...(fleet.newKey ? { apiKey: fleet.apiKey } : {}),
    },
    [
      "",
      `  edge   ${fleet.baseUrl}  (${fleet.runtime})`,
      `  key    ${key}`,
      "",
      "  In another terminal, in this folder:",
      `    ${command} run WORKFLOW.json`,
      `    ${command} jobs ls`,
      ...(tailnet ? [`    ${command} pods enroll`] : []),
      "",
      "  Ctrl-C stops everything; jobs are kept.",
    ].join("\n"),
  );
  const stopped = new Promise<null>((resolve) => {
    if (interrupted.aborted) resolve(null);
    interrupted.addEventListener("abort", () => resolve(null), { once: true });
  });
  const reason = await Promise.race([stopped, fleet.broken]);
  if (reason === null) render.say("\nStopping");
  else render.failure(new FleetError("comfy_unavailable", `Cannot go on: ${reason}`));
  await fleet.stop();
  return reason === null ? EXIT.ok : EXIT.failure;
}
