/** How callers come to this agent: over the tailnet, where the policy says who may do what, or directly with one secret. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import type { TailnetPort } from "../contracts/agent/ports.ts";
import { FleetError } from "../contracts/errors.ts";
import { createSkewProbe } from "../contracts/tailnet/clock-skew.ts";
import { daemonEnvironment } from "../contracts/tailnet/daemon.ts";
import { BARE_KEY, BARE_KEY_HINT, isBareKey } from "../contracts/tailnet/key-file.ts";
import { createLocalApi } from "../contracts/tailnet/local-api.ts";
import type { TailnetView } from "../contracts/tailnet/state.ts";
import { systemClock } from "./comfy/clock.ts";
import { createLogFile } from "./comfy/log/log-file.ts";
import { createProcessTable } from "./comfy/process/process-table.ts";
import type { Host } from "./compose-comfy.ts";
import type { Config } from "./config.ts";
import { type Access, accessByRole, accessBySecret } from "./http/access.ts";
import type { Gate } from "./http/gate.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { PodIdentity } from "./pod/identity.ts";
import { createAuthKey } from "./tailnet/auth-key.ts";
import { Callers } from "./tailnet/callers.ts";
import type { DaemonHost } from "./tailnet/daemon-process.ts";
import { hostnameOf } from "./tailnet/hostname.ts";
import { keepLogSmall } from "./tailnet/keep-log-small.ts";
import { createSelfCheck } from "./tailnet/self-check.ts";
import { tailnetFiles } from "./tailnet/settings.ts";
import { TailnetNode } from "./tailnet/tailnet-node.ts";
import type { Logger } from "./telemetry/logger.ts";

interface ComposedTailnet {
  access: Access;
  /** Null on the direct transport. */
  gate: Gate | null;
  port: TailnetPort;
  view: () => TailnetView | null;
  start(): void;
}

/** Logout, SIGINT to SIGKILL, and what is under way at that moment. */
const STOP_DEADLINE_MS = 15_000;

interface TailnetDeps {
  host: Host;
  logger: Logger;
  identity: PodIdentity;
  lifecycle: Lifecycle;
}

/** Not started yet; its stop is a step of the lifecycle. */
export function composeTailnet(config: Config, deps: TailnetDeps): ComposedTailnet {
  return config.ENABLE_TAILSCALE ? overTailnet(config, deps) : direct(config);
}

function direct({ AGENT_SECRET }: Config): ComposedTailnet {
  if (AGENT_SECRET === undefined) throw new Error("Cannot listen: neither a secret nor a tailnet says who may call");
  const none = new FleetError("conflict", "Cannot look at the tailnet: this agent is reached directly", {
    hint: "Set TS_AUTHKEY or TS_SOCKET to have it join one.",
  });
  return {
    access: accessBySecret(AGENT_SECRET),
    gate: null,
    port: { selfCheck: () => Promise.reject(none) },
    view: () => null,
    start() {},
  };
}

function overTailnet(config: Config, { host, logger: root, identity, lifecycle }: TailnetDeps): ComposedTailnet {
  const logger = root.child("tailnet");
  const files = tailnetFiles(config);
  const ours = config.TS_SOCKET === undefined;
  const logFile = createLogFile(files.log);
  const daemon: DaemonHost = {
    program: config.TAILSCALED,
    ...{ files, logFile, spawn, signalProcess: host.signalProcess, clock: systemClock },
    env: daemonEnvironment(host.env),
    table: createProcessTable(),
  };
  const api = createLocalApi<Duplex>({ request, socketPath: config.TS_SOCKET ?? files.socket });
  const clockSkew = createSkewProbe({ fetch, now: () => Date.now(), controlUrl: config.TS_CONTROL_URL });
  const node = new TailnetNode({
    ...{ api, clockSkew, clock: systemClock, random: Math.random, logger },
    host: ours ? daemon : null,
    key: createAuthKey(config.TS_AUTHKEY, (path) => readFile(path, "utf8")),
    hostname: () => config.TS_HOSTNAME ?? hostnameOf(identity),
    controlUrl: config.TS_CONTROL_URL,
    onNewNode: () => identity.leave(),
  });
  const capability = config.TAILNET_CAPABILITY;
  const callers = new Callers({ api, clock: systemClock, capability, logger });
  const view = () => node.view;
  let log: ReturnType<typeof keepLogSmall> | null = null;
  lifecycle.onStop("tailnet", STOP_DEADLINE_MS, async () => {
    await node.stop({ leave: config.AGENT_ON_STOP === "leave" });
    await log?.stop();
  });
  return {
    access: accessByRole((socket) => callers.current(socket)),
    gate: callers,
    port: {
      selfCheck: createSelfCheck({
        ...{ api, capability, view, clockSkew, lastCaller: () => callers.last, now: () => Date.now() },
      }),
    },
    view,
    start() {
      if (isBareKey(config.TS_AUTHKEY)) logger.warn(BARE_KEY, { hint: BARE_KEY_HINT });
      if (ours) log = keepLogSmall(logFile, { clock: systemClock, logger });
      node.start();
    },
  };
}
