/**
 * Who is at the far end of each connection, as the local tailscaled says: asked once when it is accepted, and again every
 * few seconds while it lives, because a revoked grant touches no open connection. Nobody is believed without an answer.
 */
import { type AgentCaller, callerOf } from "../../contracts/agent/caller.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createLane } from "./lane.ts";
import { createSparingWarning, type SparingWarning } from "./sparing-warning.ts";

/** What is needed of an accepted connection of Node's. */
export interface CallerSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly destroyed: boolean;
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

export interface CallersOptions {
  api: Pick<LocalApi<never>, "whois">;
  clock: Clock;
  /** Name of the policy's app capability. */
  capability: string;
  logger: Logger;
  timing?: Partial<CallerTiming>;
}

export interface CallerTiming {
  /** Between two looks at a living connection. */
  recheckMs: number;
  /** For one answer. */
  whoisMs: number;
  /** After an answer that did not come. */
  retryMs: number;
  /** A connection whose last answer is older is cut. */
  trustMs: number;
}

/** A revoked caller loses its connection within ten seconds, even when tailscaled is slow. */
export const CALLER_TIMING: CallerTiming = { recheckMs: 5_000, whoisMs: 2_000, retryMs: 500, trustMs: 9_000 };

/**
 * Each connection of this machine's own costs tailscaled 184 ms in which it does nothing else, one of an edge's 2 ms: a
 * burst of these is served at once, a flood of the others bounded. Who is known already has a lane of its own.
 */
const STRANGERS = { width: 2, maxWaiting: 64 };
const KNOWN = { width: 2, maxWaiting: 10_000 };

interface Connection {
  caller: AgentCaller | null;
  decided: Promise<AgentCaller | null>;
}

export class Callers {
  readonly #options: CallersOptions;
  readonly #timing: CallerTiming;
  readonly #warn: SparingWarning;
  readonly #strangers = createLane(STRANGERS);
  readonly #known = createLane(KNOWN);
  readonly #connections = new WeakMap<object, Connection>();
  #last: AgentCaller | null = null;

  constructor(options: CallersOptions) {
    this.#options = options;
    this.#timing = { ...CALLER_TIMING, ...options.timing };
    this.#warn = createSparingWarning(options.logger, options.clock);
  }

  /** To be called for each accepted connection. One of which tailscaled says nothing is closed without a word. */
  accept(socket: CallerSocket): void {
    const closed = new AbortController();
    socket.once("close", () => closed.abort());
    const connection: Connection = { caller: null, decided: Promise.resolve(null) };
    connection.decided = this.#decide(socket, connection, closed.signal);
    this.#connections.set(socket, connection);
  }

  /** Who it is, once that is known. Null: nobody that has a role. Never rejects. */
  decided(socket: object): Promise<AgentCaller | null> {
    return this.#connections.get(socket)?.decided ?? Promise.resolve(null);
  }

  /** Who it is as of the last look. */
  current(socket: object): AgentCaller | null {
    return this.#connections.get(socket)?.caller ?? null;
  }

  /** Who was let in last, with its roles at the last look; null: nobody yet. For people. */
  get last(): AgentCaller | null {
    return this.#last;
  }

  async #decide(socket: CallerSocket, connection: Connection, closed: AbortSignal): Promise<AgentCaller | null> {
    try {
      connection.caller = await this.#strangers.run(() => this.#ask(socket, closed), closed);
      if (connection.caller !== null) void this.#keepAsking(socket, connection, closed);
    } catch (error) {
      if (!closed.aborted) this.#warn("caller not identified", { error });
      socket.destroy();
    }
    return connection.caller;
  }

  async #ask({ remoteAddress, remotePort }: CallerSocket, until: AbortSignal): Promise<AgentCaller | null> {
    const { api, capability } = this.#options;
    const address = `${remoteAddress?.replace(/^::ffff:/, "")}:${remotePort}`;
    const whois = await api.whois(address, AbortSignal.any([until, AbortSignal.timeout(this.#timing.whoisMs)]));
    if (whois === null) return null;
    const caller = callerOf(whois, capability);
    if (caller === null) {
      const { StableID: node, Name: name, Tags: tags } = whois.Node;
      this.#warn("caller has no role", { node, name, tags, capability });
    } else this.#last = caller;
    return caller;
  }

  async #keepAsking(socket: CallerSocket, connection: Connection, closed: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const { recheckMs, retryMs, trustMs } = this.#timing;
    const first = connection.caller;
    // Not the clock's time: who sets that back must not be trusted for longer.
    let knownAtMs = performance.now();
    let waitMs = recheckMs;
    for (;;) {
      await clock.sleep(waitMs, closed);
      if (closed.aborted) return;
      const askedAtMs = performance.now();
      // The wait behind others counts too: it must not be what keeps a revoked one connected.
      const leftMs = Math.max(0, Math.ceil(trustMs - (askedAtMs - knownAtMs)));
      const until = AbortSignal.any([closed, AbortSignal.timeout(leftMs)]);
      try {
        const caller = await this.#known.run(() => this.#ask(socket, until), until);
        if (!holds(first, caller)) return this.#cut(socket, connection, "its right was revoked");
        connection.caller = caller;
        [knownAtMs, waitMs] = [askedAtMs, recheckMs];
      } catch (error) {
        if (closed.aborted) return;
        logger.debug("caller not identified again", { error });
        waitMs = retryMs;
        if (performance.now() + retryMs - knownAtMs > trustMs) {
          return this.#cut(socket, connection, "tailscaled does not say who it is");
        }
      }
    }
  }

  #cut(socket: CallerSocket, connection: Connection, reason: string): void {
    const { node, name } = connection.caller ?? { node: null, name: null };
    this.#options.logger.warn("caller cut off", { node, name, reason });
    connection.caller = null;
    socket.destroy();
  }
}

/** Still the same node, with every role that it came with: what it had opened with one must not outlive it. */
function holds(first: AgentCaller | null, now: AgentCaller | null): boolean {
  return first !== null && first.node === now?.node && first.roles.isSubsetOf(now.roles);
}
