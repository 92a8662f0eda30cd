/** What an attached ComfyUI is told at its creation. */
import { FleetError } from "../../../contracts/errors.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { GenerationJournal } from "../generation-journal.ts";
import type { Fetch } from "../http/call.ts";
import { type ComfyTimings, DEFAULT_TIMINGS } from "../timings.ts";

export interface AttachedComfyOptions {
  /** `http://127.0.0.1:8188`; another host only with `allowRemote`. ComfyUI has no authentication of its own. */
  baseUrl: string;
  /** The operator names a ComfyUI on another host and knows that anybody who reaches it owns it. Default: false. */
  allowRemote?: boolean;
  /**
   * ComfyUI's directory on our disk: outputs are then read and inputs written there, else both go over HTTP.
   * Directories given to ComfyUI by flags are followed. Default: none.
   */
  directory?: string | null;
  /** Remembers who it was attached to. */
  journal: GenerationJournal;
  logger: Logger;
  /** Overrides of {@link ComfyTimings}. */
  timings?: Partial<ComfyTimings>;
  /** Default: the real ones. */
  clock?: Clock;
  random?: () => number;
  fetch?: Fetch;
  randomUuid?: () => string;
}

/** The same with every default in place and the address checked. */
export interface AttachedContext {
  /** Without a slash at its end. */
  baseUrl: string;
  directory: string | null;
  logger: Logger;
  timings: ComfyTimings;
  clock: Clock;
  random: () => number;
  fetch: Fetch;
  randomUuid: () => string;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** @throws FleetError `invalid_input` for an address that is no plain http URL, or a remote one that was not allowed */
export function attachedContext(options: AttachedComfyOptions & { randomUuid: () => string }): AttachedContext {
  return {
    baseUrl: checkAddress(options.baseUrl, options.allowRemote ?? false),
    directory: options.directory ?? null,
    logger: options.logger,
    timings: { ...DEFAULT_TIMINGS, ...options.timings },
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    fetch: options.fetch ?? globalThis.fetch,
    randomUuid: options.randomUuid,
  };
}

function checkAddress(text: string, allowRemote: boolean): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "") {
    throw refuse(text, "it is no http address", "Give it as http://127.0.0.1:8188.");
  }
  if (!allowRemote && (url.protocol !== "http:" || !LOOPBACK.test(url.hostname))) {
    const hint = "Run the agent beside ComfyUI, or allow a remote one explicitly: ComfyUI has no authentication.";
    throw refuse(text, "it is not on this machine", hint);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

function refuse(text: string, why: string, hint: string): FleetError {
  return new FleetError("invalid_input", `Cannot attach to ComfyUI at ${text}: ${why}`, { hint });
}
