/** A whole fleet on this machine: agent with its ComfyUI, and an edge, or this alone; kept running until stopped. */
import { FleetError } from "../../contracts/errors.ts";
import { writeCredentials } from "../credentials.ts";
import { type Child, superviseChild } from "./child.ts";
import { findDeno } from "./entry.ts";
import { anyPort, edgePort } from "./free-port.ts";
import { listenHost } from "./listen-host.ts";
import { loadSecrets } from "./local-secrets.ts";
import { type ComfySource, planProcesses } from "./plan.ts";
import { startTailnet } from "./start-tailnet.ts";
import { waitReady } from "./wait-ready.ts";

export interface LocalFleetOptions {
  dataDir: string;
  /** Null: no pod on this machine. */
  comfy: ComfySource | null;
  /** Edge port; 0 picks a free one. */
  port: number;
  listenHost: string;
  /** `auto`: Deno where it is found. */
  runtime: "auto" | "deno" | "node";
  env: Record<string, string | undefined>;
  /** Run a tailscaled for the edge. `authKey`: `file:PATH` of the key to join with. */
  tailnet?: { authKey?: string | undefined };
  /** How long ComfyUI may take to become ready. */
  readyTimeoutMs: number;
  signal: AbortSignal;
  say(text: string): void;
}

export interface LocalFleet {
  baseUrl: string;
  apiKey: string;
  /** Whether the key was minted by this start. */
  newKey: boolean;
  credentialsPath: string;
  runtime: "deno" | "node";
  /** Resolves when a child is given up, with the reason. */
  broken: Promise<string>;
  stop(): Promise<void>;
}

function chooseDeno(runtime: LocalFleetOptions["runtime"], env: Record<string, string | undefined>): string | null {
  if (runtime === "node") return null;
  const deno = findDeno(env);
  if (!deno && runtime === "deno") {
    throw new FleetError("invalid_input", "Cannot start the edge on Deno: no 'deno' was found", {
      hint: "Install Deno 2.9.6 or newer (npm install -D deno@2.9.6), or use --runtime node.",
    });
  }
  return deno;
}

export async function startLocalFleet(options: LocalFleetOptions): Promise<LocalFleet> {
  const { dataDir, env, say, signal } = options;
  const deno = chooseDeno(options.runtime, env);
  const host = listenHost(options.listenHost);
  const ports = {
    edge: await edgePort(options.port, host.bare),
    agent: await anyPort(8189),
    comfy: await anyPort(8188),
  };
  // After whatever may refuse the start: a key that is minted is shown by the same start.
  const secrets = loadSecrets(dataDir);
  const baseUrl = `http://${host.reachedAt}:${ports.edge}`;
  let failure: string | null = null;
  let giveUp = (_reason: string) => {};
  const broken = new Promise<string>((resolve) => (giveUp = resolve));
  const onGiveUp = (reason: string) => {
    failure ??= reason;
    giveUp(reason);
  };
  const tailnet = options.tailnet === undefined
    ? null
    : await startTailnet({ ...options, ...options.tailnet, timeoutMs: options.readyTimeoutMs, onGiveUp, broken });
  const plans = planProcesses({
    dataDir,
    ports,
    listenHost: host.inUrl,
    deno,
    node: process.execPath,
    comfy: options.comfy,
    agentSecret: secrets.agentSecret,
    bootstrapKey: secrets.apiKey,
    env: tailnet === null ? env : { ...env, TS_SOCKET: tailnet.socketPath },
  });
  const processes: Child[] = plans.map((plan) =>
    superviseChild({
      ...plan,
      env: { ...plan.env, [plan.stopWithParent]: "true" },
      onRestart: say,
      onGiveUp,
    })
  );
  const children = tailnet === null ? processes : [tailnet.child, ...processes];
  // The edge first: it drops its claim on the pod while the agent ends its work. The way to other pods last.
  const stop = async () => {
    for (const child of [...children].reverse()) await child.stop();
  };
  try {
    await waitReady({
      baseUrl,
      apiKey: secrets.apiKey,
      dataDir,
      hasPod: options.comfy !== null,
      timeoutMs: options.readyTimeoutMs,
      signal,
      onWait: (what) => say(`waiting for ${what}`),
      failed: () => failure,
    });
  } catch (error) {
    for (const plan of signal.aborted ? [] : plans) say(`log: ${plan.logPath}`);
    await stop();
    throw error;
  }
  const credentialsPath = writeCredentials(dataDir, { baseUrl, apiKey: secrets.apiKey });
  return {
    baseUrl,
    apiKey: secrets.apiKey,
    newKey: secrets.minted,
    credentialsPath,
    runtime: deno ? "deno" : "node",
    broken,
    stop,
  };
}
