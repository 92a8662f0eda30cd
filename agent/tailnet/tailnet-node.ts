/** This machine's node on the tailnet: its daemon, its join, and how it stands, from the start of the agent to the logout. */
import { rmSync } from "node:fs";
import { callSignal, joinTailnet } from "../../contracts/tailnet/join.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import { readStatus, type TailnetView, viewOf } from "../../contracts/tailnet/state.ts";
import { FleetError } from "../../contracts/errors.ts";
import { createBackoff } from "../comfy/backoff.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AuthKey } from "./auth-key.ts";
import { type DaemonHost, endDaemon, findDaemon } from "./daemon-process.ts";
import { superviseDaemon } from "./supervise-daemon.ts";

export interface NodeOptions {
  api: Pick<LocalApi<never>, "status" | "start" | "login" | "logout">;
  /** Null: somebody else's daemon, which is only looked at. */
  host: DaemonHost | null;
  key: AuthKey;
  hostname: () => string;
  controlUrl: string | undefined;
  /** It has joined with a key, which makes another node of it, and so another pod. */
  onNewNode: () => void;
  clockSkew: (signal: AbortSignal) => Promise<number | null>;
  clock: Clock;
  random: () => number;
  logger: Logger;
}

/** Between two looks at a node that runs: a daemon that was killed must be noticed at once. */
const WATCH_MS = 1_000;
/** Between two looks for another key. */
const KEY_MS = 2_000;
/** A key that was refused for a reason that may go away is tried again. */
const REFUSED_MS = 60_000;
/** Between two orders that the daemon itself refuses. */
const ORDER_BACKOFF = { baseMs: 1_000, maxMs: 60_000, stableAfterMs: 60_000 };
/** Goes to the control server, which is asked to forget the node. */
const LOGOUT_MS = 5_000;

export class TailnetNode {
  readonly #options: NodeOptions;
  readonly #stopping = new AbortController();
  #view: TailnetView = viewOf("starting", "tailscaled is starting.");
  #problem: string | null = null;
  /** Null before the start. */
  #work: Promise<unknown> | null = null;

  constructor(options: NodeOptions) {
    this.#options = options;
  }

  get view(): TailnetView {
    const waits = this.#view.state === "starting" || this.#view.state === "stopped";
    return waits && this.#problem !== null ? viewOf("stopped", this.#problem) : this.#view;
  }

  start(): void {
    const { host, api, random, logger } = this.#options;
    const { signal } = this.#stopping;
    const onProblem = (message: string | null) => {
      this.#problem = message;
    };
    const daemon = host === null ? null : superviseDaemon({ host, api, random, logger, onProblem }, signal);
    this.#work = Promise.all([daemon, this.#stayJoined(signal)]);
  }

  /**
   * Takes the node off the tailnet and ends its daemon; with `leave` both go on for the next agent, as somebody else's
   * daemon always does, and as one of before does whose agent could not start.
   */
  async stop({ leave }: { leave: boolean }): Promise<void> {
    this.#stopping.abort();
    await this.#work;
    const { host } = this.#options;
    if (leave || host === null || this.#work === null) return;
    await this.#logout(host);
    const daemon = await findDaemon(host);
    if (daemon !== null && !await endDaemon(daemon, host)) this.#options.logger.error("tailscaled cannot be ended");
  }

  async #logout({ files }: DaemonHost): Promise<void> {
    const { api, logger } = this.#options;
    try {
      await api.logout(AbortSignal.timeout(LOGOUT_MS));
      // Of no more use, and the next agent must not take it for a node that has joined.
      rmSync(files.state, { force: true });
      logger.info("node logged out");
    } catch (error) {
      logger.warn("node not logged out", {
        error,
        hint:
          "The control server removes an ephemeral node some time after it was last seen; or use 'comfyfleet pods remove'.",
      });
    }
  }

  async #stayJoined(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const backoff = createBackoff({ ...ORDER_BACKOFF, random });
    while (!signal.aborted) {
      const startedMs = clock.now();
      try {
        const view = await this.#join(signal);
        if (view.state === "running") await this.#watch(signal);
        else await clock.sleep(view.state === "key_refused" ? REFUSED_MS : KEY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#see(refused(error));
        await clock.sleep(backoff.next(clock.now() - startedMs), signal);
      }
    }
  }

  async #join(signal: AbortSignal): Promise<TailnetView> {
    const { api, clock, key, hostname, controlUrl, clockSkew, host, onNewNode } = this.#options;
    let given: string | null = null;
    let unreadable: FleetError | null = null;
    const view = await joinTailnet({
      ...{ api, clock, clockSkew },
      node: { hostname: hostname(), controlUrl },
      readKey: async () => {
        try {
          return given = host === null ? null : await key.read();
        } catch (error) {
          if (!FleetError.is(error)) throw error;
          unreadable = error;
          return null;
        }
      },
      onView: (seen) => this.#see(unreadable === null ? seen : needsReadableKey(unreadable)),
    }, signal);
    key.ended(view.state);
    if (given !== null && view.state === "running") onNewNode();
    return view;
  }

  /** Returns when the node runs no more. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(WATCH_MS, signal);
      if (signal.aborted) return;
      const status = await api.status({ peers: false }, callSignal(signal)).catch(() => null);
      if (status === null) return;
      const view = readStatus(status, { joining: false, skewMs: null });
      if (view.state !== "running") return;
      this.#see(view);
    }
  }

  #see(view: TailnetView): void {
    const isSame = view.state === this.#view.state && view.message === this.#view.message;
    this.#view = view;
    if (isSame) return;
    const { state, message, fix } = this.view;
    const calm = fix === null;
    this.#options.logger[calm ? "info" : "warn"]("tailnet state changed", { state, message, ...(calm ? {} : { fix }) });
  }
}

/** A key that is there and cannot be read is looked at again like one that is not there. */
function needsReadableKey({ message, hint }: FleetError): TailnetView {
  const view = viewOf("needs_key", message);
  return { ...view, fix: hint ?? view.fix };
}

/** The daemon is there and does not do as it is told. */
function refused(error: unknown): TailnetView {
  const view = viewOf("stopped", FleetError.is(error) ? error.message : `Cannot join: ${String(error)}`);
  return FleetError.is(error) && error.hint !== undefined ? { ...view, fix: error.hint } : view;
}
