/** `comfyfleet up`: a whole fleet on this machine, in the foreground. */
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { chooseComfy, describeComfy } from "../up/comfy-source.ts";
import { startLocalFleet } from "../up/local-fleet.ts";

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

export async function up(context: CliContext, flags: UpFlags): Promise<number> {
  const { render, interrupted, env, command } = context;
  const tailnet = flags.tailnet ?? flags.tsAuthKey !== undefined;
  const comfy = chooseComfy(flags.comfyui, env);
  render.say(`Starting an edge and an agent with ${describeComfy(comfy)}`);
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
