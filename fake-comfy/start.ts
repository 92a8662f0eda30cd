/** Puts one stand-in together and runs it through ComfyUI's start sequence. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createControlApp } from "./control.ts";
import { directoryByType } from "./directories.ts";
import type { Environment } from "./execution/environment.ts";
import { InterruptFlag } from "./execution/interrupt.ts";
import { Worker } from "./execution/worker.ts";
import { ArmedFaults, FaultError } from "./faults/armed-faults.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { createApp, routesOf } from "./http/app.ts";
import { features } from "./http/info.ts";
import { acceptSockets, listen, PortInUse } from "./listen.ts";
import { Log } from "./log.ts";
import { partnerKeyProbe } from "./nodes/partner-key-probe.ts";
import { NODE_CLASSES } from "./nodes/registry.ts";
import { serviceClasses } from "./services/registry.ts";
import { HeldMemory } from "./memory.ts";
import { missingCustomNodes, type Options, optionsFrom } from "./options.ts";
import { portInUseMessage } from "./port-in-use-message.ts";
import { PromptQueue } from "./queue/prompt-queue.ts";
import { type Focus, Hub } from "./socket/hub.ts";
import { usageText } from "./usage.ts";
import { COMFYUI_VERSION } from "./version.ts";

/** What the process gives to the server. */
export interface Host {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => never;
  /** Ends the process by SIGKILL. */
  readonly kill: () => void;
  /** Calls back when the process is asked to stop (SIGINT). */
  readonly onInterrupt: (stop: () => void) => void;
  readonly pid: number;
  /** Where a base directory is made when none is named. */
  readonly tempRoot: string;
  /** A monotonic clock in milliseconds. */
  readonly monotonicMs: () => number;
  /** Wall time in epoch milliseconds. */
  readonly nowMs: () => number;
}

/** Starts a server; resolves once it listens. Ends the process where ComfyUI's start would. */
export async function startFakeComfy(argv: readonly string[], host: Host): Promise<void> {
  if (argv.includes("--help") || argv.includes("-h")) {
    host.stdout(usageText());
    host.exit(0);
  }
  const options = readOptions(argv, host);
  const log = new Log({ stdout: host.stdout, stderr: host.stderr, infoToStdout: options.logToStdout });
  const server = compose(argv, options, { host, log });
  await server.control();
  server.prepare();
  if (options.startDelayMs > 0) await sleep(options.startDelayMs);
  await server.open();
}

function readOptions(argv: readonly string[], host: Host): Options {
  try {
    const flags = parseFlags(argv);
    const missing = missingCustomNodes(flags);
    if (missing !== null) {
      host.stderr(`FileNotFoundError: [Errno 2] No such file or directory: '${missing}'\n`);
      host.exit(1);
    }
    return optionsFrom(flags, host.tempRoot);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    host.stderr(`usage: main.py [-h] [--port PORT] ...\nmain.py: error: ${error.message}\n`);
    return host.exit(2);
  }
}

function compose(argv: readonly string[], options: Options, { host, log }: { host: Host; log: Log }) {
  const { directories } = options;
  const classes = new Map([
    ...NODE_CLASSES,
    ...(options.services === null ? [] : serviceClasses(options.services)),
    ...(options.partnerNode ? [[partnerKeyProbe.name, partnerKeyProbe] as const] : []),
  ]);
  const focus: Focus = { clientId: null, lastNodeId: null };
  const interrupt = new InterruptFlag();
  const memory = new HeldMemory();
  const faults = new ArmedFaults({
    exit: host.exit,
    kill: host.kill,
    freeze: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
    logError: (message) => log.error(message),
    // The hub is made below, and asks the faults itself.
    get sockets() {
      return hub.faults;
    },
    memory,
    pathOf: ({ filename, subfolder, type }) => join(directoryByType(directories, type) ?? "", subfolder, filename),
    agesOf: (promptId) => queue.agesOf(promptId),
    port: options.port,
    address: options.addresses[0] ?? "",
  });
  const status = () => ({ exec_info: { queue_remaining: queue.remaining() } });
  const passes = (message: Parameters<ArmedFaults["passes"]>[0]) => !faults.any || faults.passes(message);
  const hub = new Hub({ status, features: () => features(options), focus, passes });
  const { monotonicMs, nowMs } = host;
  const changed = () => hub.broadcastStatus();
  const queue = new PromptQueue({ changed, beforeTake: () => faults.beforeTake(), monotonicMs });
  const environment: Environment = {
    ...{ options, classes, hub, focus, interrupt, faults, memory, log },
    ...{ monotonicMs, nowMs },
  };
  const worker = new Worker(environment, queue);
  const app = createApp({
    ...{ options, classes, queue, hub, interrupt, faults, memory, log, nowMs },
    argv: ["main.py", ...argv],
  });
  const wipeTemp = () => rmSync(directories.temp, { recursive: true, force: true });
  let ready = false;

  return {
    async control(): Promise<void> {
      if (options.controlPort === null) return;
      const sources = {
        ...{ faults, queue, hub, pid: host.pid },
        worker: () => worker.counts(),
        ready: () => ready,
        routes: () => routesOf(app),
      };
      const { port } = await listen(createControlApp(sources), { address: "127.0.0.1", port: options.controlPort });
      log.info(`fake-comfy control: http://127.0.0.1:${port}`);
    },
    /** Everything before the port opens. */
    prepare(): void {
      armAll(options.faults, faults, host);
      log.info(`fake-comfy base directory: ${directories.base}`);
      log.info(`Setting temp directory to: ${directories.temp}`);
      wipeTemp();
      for (const directory of [directories.input, directories.output]) mkdirSync(directory, { recursive: true });
      for (const line of startLines(options)) log.info(line);
      faults.beforeListen();
    },
    async open(): Promise<void> {
      void worker.run();
      if (!existsSync(directories.temp)) mkdirSync(directories.temp, { recursive: true });
      log.info("Starting server\n");
      for (const address of options.addresses) {
        try {
          const { server, port } = await listen(app, { address, port: options.port });
          acceptSockets(server, hub, async () => {
            if (faults.any) await faults.beforeRequest();
          });
          const shown = address.includes(":") ? `[${address}]` : address;
          if (options.printServer) log.info(`To see the GUI go to: http://${shown}:${port}`);
        } catch (error) {
          if (!(error instanceof PortInUse)) throw error;
          log.error(portInUseMessage(address, options.port));
          wipeTemp();
          host.exit(1);
        }
      }
      host.onInterrupt(() => {
        log.info("\nStopped server");
        wipeTemp();
        host.exit(0);
      });
      ready = true;
      faults.ready();
    },
  };
}

function armAll(texts: readonly string[], faults: ArmedFaults, host: Host): void {
  try {
    for (const text of texts) faults.armText(text);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    host.stderr(`main.py: error: argument --fault: ${error.message}\n`);
    host.exit(2);
  }
}

function startLines(options: Options): string[] {
  return [
    "Set vram state to: DISABLED",
    "Device: cpu",
    "Python version: 3.12.0 (fake-comfy)",
    `ComfyUI version: ${COMFYUI_VERSION}`,
    `[Prompt Server] web root: ${options.frontEndRoot ?? "(built in)"}`,
    options.cache.kind === "ram" ? "Using RAM pressure cache." : `Cache policy: ${options.cache.kind}`,
  ];
}
