/**
 * Keeps the tailscaled of the state directory going: takes over one that lives, starts it anew with growing waits when it
 * has ended, and ends one that is deaf. It comes back from its state file as the same node, without a key.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import { createBackoff } from "../comfy/backoff.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type DaemonHost, endDaemon, findDaemon, type RunningDaemon, startDaemon } from "./daemon-process.ts";

export interface SuperviseOptions {
  host: DaemonHost;
  api: Pick<LocalApi<never>, "status">;
  random: () => number;
  logger: Logger;
  /** Why it does not run; null once it does. */
  onProblem: (message: string | null) => void;
}

/** The first restart comes within 0.2 s: jobs wait for the node meanwhile. */
const BACKOFF = { baseMs: 200, maxMs: 30_000, stableAfterMs: 10_000 };
const LOOK_MS = 5_000;
/** Calls in a row without an answer until it counts as deaf: half a minute, or one where each call takes all of its time. */
const DEAF_AFTER = 6;

/** Resolves when the signal aborts; the daemon goes on. Never rejects. */
export async function superviseDaemon(options: SuperviseOptions, signal: AbortSignal): Promise<void> {
  const { host: { clock }, random, logger, onProblem } = options;
  const backoff = createBackoff({ ...BACKOFF, random });
  while (!signal.aborted) {
    const startedMs = clock.now();
    let reason: string;
    try {
      const daemon = await findDaemon(options.host) ?? await startDaemon(options.host);
      if (typeof daemon === "string") reason = `it cannot be run: ${daemon}`;
      else {
        onProblem(null);
        logger.info("tailscaled runs", { pid: daemon.identity.pid, adopted: daemon.adopted });
        reason = await livesOn(daemon, options, signal);
      }
    } catch (error) {
      reason = String(error);
    }
    if (signal.aborted) return;
    const waitMs = backoff.next(clock.now() - startedMs);
    onProblem(`tailscaled does not run: ${reason}.`);
    logger.warn("tailscaled is started anew", { reason, waitMs, log: options.host.files.log });
    await clock.sleep(waitMs, signal);
  }
}

async function livesOn(daemon: RunningDaemon, options: SuperviseOptions, signal: AbortSignal): Promise<string> {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  try {
    return await Promise.race([daemon.ended(until), deaf(daemon, options, until)]);
  } finally {
    ended.abort();
  }
}

async function deaf(daemon: RunningDaemon, options: SuperviseOptions, signal: AbortSignal): Promise<string> {
  const { host, api } = options;
  let misses = 0;
  while (misses < DEAF_AFTER) {
    await host.clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return "it ended";
    misses = await answers(api, signal) ? 0 : misses + 1;
  }
  await endDaemon(daemon, host);
  return "it answered nothing for half a minute or more";
}

async function answers(api: SuperviseOptions["api"], signal: AbortSignal): Promise<boolean> {
  try {
    await api.status({ peers: false }, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]));
    return true;
  } catch (error) {
    // A refusal is an answer.
    return FleetError.is(error) && error.details?.status !== undefined;
  }
}
