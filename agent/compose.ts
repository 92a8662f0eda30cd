/** Puts the agent together: lock, journal, ComfyUI, attempts, then the two listeners. Nothing else knows an adapter. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { AttemptService } from "./attempts/attempt-service.ts";
import { drain } from "./attempts/drain.ts";
import { InputStore } from "./attempts/input-store.ts";
import { OutputClasses } from "./attempts/output-classes.ts";
import type { PartnerKeys } from "./attempts/partner-keys.ts";
import { type AttemptTiming, DEFAULT_ATTEMPT_TIMING } from "./attempts/timing.ts";
import { Workspace } from "./attempts/workspace.ts";
import { systemClock } from "./comfy/clock.ts";
import { composeComfy, type Host } from "./compose-comfy.ts";
import { composeGpu } from "./compose-gpu.ts";
import { composeTailnet } from "./compose-tailnet.ts";
import { composeTelemetry } from "./compose-telemetry.ts";
import { type Config, healthSocketOf, isLoopback } from "./config.ts";
import { createApp } from "./http/app.ts";
import { createHealthApp } from "./http/health.ts";
import { listenTcp, listenUnix } from "./http/listen.ts";
import { openSqliteJournal } from "./journal/sqlite-journal.ts";
import { lockStateDirectory } from "./journal/sqlite-state-lock.ts";
import { Lifecycle } from "./lifecycle.ts";
import { AGENT_VERSION } from "./pod/agent-version.ts";
import { ComfyService } from "./pod/comfy-service.ts";
import { PodIdentity } from "./pod/identity.ts";
import { PodService } from "./pod/pod-service.ts";
import type { Logger } from "./telemetry/logger.ts";
import { readPodGauges } from "./telemetry/pod-gauges.ts";

export interface Agent {
  /** Where it listens, e.g. `http://127.0.0.1:8189`. */
  address: string;
  /** Ends streams and listeners within a second, then ComfyUI, unless it is to be left running. Never rejects. */
  stop(): Promise<void>;
}

export interface AgentDeps {
  host: Host;
  logger: Logger;
  /** Those of this process, whose log goes through them. */
  partnerKeys: PartnerKeys;
  /** Called when the agent's own memory cannot be written: must end this process at once, and not ComfyUI's. */
  onFatal: (error: unknown) => void;
}

/** Under the ten seconds that most containers give their process. */
const TAILNET_DRAIN_MS = 8_000;
const LISTENER_DEADLINE_MS = 1_000;
const SHORT_DEADLINE_MS = 2_000;

/** @throws FleetError `conflict` when the state directory is in use; Error when an address is taken. */
export async function composeAgent(config: Config, deps: AgentDeps): Promise<Agent> {
  const lifecycle = new Lifecycle(deps.logger);
  try {
    const address = await start(config, { ...deps, lifecycle });
    return { address, stop: () => lifecycle.stop() };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

async function start(
  config: Config,
  { host, logger, partnerKeys, onFatal, lifecycle }: AgentDeps & { lifecycle: Lifecycle },
): Promise<string> {
  const stateDir = resolve(config.AGENT_STATE_DIR);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = lockStateDirectory(join(stateDir, "lock.db"));
  lifecycle.onStop("lock", SHORT_DEADLINE_MS, () => lock.release());
  const journal = openSqliteJournal(join(stateDir, "journal.db"));
  lifecycle.onStop("journal", SHORT_DEADLINE_MS, () => journal.close());
  const { comfy, mode, close } = composeComfy(config, { host, logger, redactLine: partnerKeys.redactLine });
  lifecycle.onStop("generations", SHORT_DEADLINE_MS, close);
  if (config.AGENT_ON_STOP === "stop") {
    lifecycle.onStop("ComfyUI", config.COMFYUI_STOP_GRACE_MS + 10_000, () => comfy.stop());
  }

  const identity = new PodIdentity(journal);
  const telemetry = composeTelemetry(config, { identity, logger });
  lifecycle.onStop("telemetry", SHORT_DEADLINE_MS, () => telemetry.tracing.stop(LISTENER_DEADLINE_MS));
  const workspace = new Workspace(join(stateDir, "attempts"), () => comfy.folders);
  const outputClasses = new OutputClasses(comfy);
  comfy.onStatus(() => outputClasses.refresh());
  const inputs = await InputStore.open({
    folder: join(stateDir, "inputs"),
    partFolder: join(stateDir, "inputs-part"),
    maxInputBytes: config.AGENT_MAX_INPUT_BYTES,
    maxStoreBytes: config.AGENT_INPUT_STORE_BYTES,
    pinned: () => attempts.pinnedInputs(),
    now: () => Date.now(),
    logger: logger.child("inputs"),
  });
  const attempts: AttemptService = new AttemptService({
    comfy,
    journal,
    identity,
    inputs,
    workspace,
    partnerKeys,
    clock: systemClock,
    timing: timingOf(config),
    outputClasses: () => outputClasses.current,
    logger: logger.child("attempts"),
    onFatal,
    onEnd: telemetry.attemptEnded,
  });
  const gpu = composeGpu(config, { host, logger, attempts });
  const pod = new PodService({
    comfy,
    attempts,
    gpu,
    identity,
    recent: workspace.recent,
    agent: { agentVersion: AGENT_VERSION, comfyMode: mode },
    clock: systemClock,
  });
  const operator = new ComfyService({ comfy, attempts, mode, now: () => systemClock.now() });
  await workspace.sweep(new Set(journal.unreleased().map(({ order }) => order.attemptId)));
  // Before anybody can ask for them: an attempt that the agent does not know is given up by its edge.
  attempts.resume();

  let stopping = false;
  const metrics = async () => {
    await readPodGauges({ attempts, comfy, gpu }, telemetry.metrics);
    return telemetry.metrics.text();
  };
  const tailnet = composeTailnet(config, { host, logger, identity, lifecycle });
  const health = createHealthApp({
    comfy: () => comfy.status,
    stopping: () => stopping,
    metrics,
    tailnetView: tailnet.view,
    tailnet: tailnet.port,
  });
  const healthListener = await listenUnix(health, healthSocketOf(config));
  lifecycle.onStop("health socket", SHORT_DEADLINE_MS, () => healthListener.stop(LISTENER_DEADLINE_MS));
  const app = createApp({
    access: tailnet.access,
    pod,
    attempts,
    gpu,
    inputs,
    workspace,
    comfy,
    metrics,
    operator,
    tailnet: tailnet.port,
    maxInputBytes: config.AGENT_MAX_INPUT_BYTES,
    maxCallBytes: config.AGENT_MAX_CALL_BYTES,
    clock: systemClock,
    logger: logger.child("http"),
  });
  const listener = await listenTcp(app, config.AGENT_LISTEN, tailnet.gate);
  lifecycle.onStop("listener", SHORT_DEADLINE_MS, () => listener.stop(LISTENER_DEADLINE_MS));
  // Last: an address that is taken must not cost a living ComfyUI its run.
  comfy.start();
  gpu.start();
  tailnet.start();
  lifecycle.onStop("GPU probe", SHORT_DEADLINE_MS, () => gpu.stop());
  lifecycle.onStop("attempts", SHORT_DEADLINE_MS, async () => {
    stopping = true;
    pod.stop();
    operator.stop();
    await attempts.stop();
  });
  const maxMs = config.AGENT_DRAIN_MS ?? (tailnet.gate === null ? 0 : TAILNET_DRAIN_MS);
  if (config.AGENT_ON_STOP === "stop" && maxMs > 0) {
    lifecycle.onStop("drain", maxMs + SHORT_DEADLINE_MS, async () => {
      const draining = drain(attempts, { clock: systemClock, maxMs });
      pod.changed();
      const left = await draining;
      if (left > 0) logger.warn("agent stops with attempts that have not ended", { left, afterMs: maxMs });
    });
  }
  if (!isLoopback(config.AGENT_LISTEN.host)) {
    logger.warn("listening beyond this machine with a shared secret only", { address: listener.address });
  }
  logger.info("agent listening", { address: listener.address, bootId: identity.bootId, podId: identity.podId, mode });
  return listener.address;
}

function timingOf(config: Config): AttemptTiming {
  return {
    ...DEFAULT_ATTEMPT_TIMING,
    pollMs: config.AGENT_POLL_MS,
    cancelGraceMs: config.AGENT_CANCEL_GRACE_MS,
    noProgressMs: config.AGENT_NO_PROGRESS_MS,
    readyWithinMs: config.AGENT_READY_WITHIN_MS,
  };
}
