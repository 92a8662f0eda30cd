/** Waiting until a local fleet can take a job, saying what it waits for, and no longer than that can help. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Condition, Pod } from "../../contracts/pod.ts";
import { createFleet } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import { LOCAL_POD } from "./plan.ts";
import { podReadiness } from "./pod-readiness.ts";

export interface WaitOptions {
  baseUrl: string;
  apiKey: string;
  /** Named in what to do. */
  dataDir: string;
  /** Whether there is one on this machine to wait for. @default true */
  hasPod?: boolean;
  timeoutMs: number;
  signal: AbortSignal;
  /** Told when what it waits for changes. */
  onWait(message: string): void;
  /** A reason to stop waiting (a child was given up), or null. */
  failed(): string | null;
}

/** An edge listens a moment before its first key is installed. */
const KEY_GRACE_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

async function edgeReady(baseUrl: string): Promise<boolean> {
  const response = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  return response?.ok ?? false;
}

function keyRefused(dataDir: string, cause: unknown): FleetError {
  const secrets = join(dataDir, "secrets.json");
  return new FleetError("unauthorized", `Cannot start: the edge does not know the key in ${secrets}`, {
    hint:
      `Its store knows an earlier one. Put the earlier ${secrets} back; or start anew: move ${join(dataDir, "edge")} ` +
      `and ${join(dataDir, "agent")} away (jobs and files go with them), or name another folder with --data.`,
    cause,
  });
}

function podRefused(dataDir: string, { message, reason }: Condition): FleetError {
  const hint = reason === "WrongPod"
    ? `${join(dataDir, "edge")} and ${
      join(dataDir, "agent")
    } are not of one fleet; was one of them deleted? Put it back, ` +
      `or move ${join(dataDir, "agent")} away too, with what it had not handed over.`
    : "Look at the logs named above.";
  return new FleetError("conflict", `Cannot start: ${message.replace(/\.$/, "")}`, { hint });
}

/**
 * @throws FleetError `timeout` with the last thing waited for; at once `comfy_unavailable` when a child was given up,
 * `unauthorized` and `conflict` when the data folder's parts do not belong together.
 */
export async function waitReady(options: WaitOptions): Promise<void> {
  const { baseUrl, dataDir, signal } = options;
  const fleet = createFleet({ baseUrl, apiKey: options.apiKey, requestTimeoutMs: REQUEST_TIMEOUT_MS });
  const startedMs = Date.now();
  let refusedSinceMs: number | null = null;
  let said = "";

  async function pods(): Promise<Pod[] | null> {
    try {
      const page = await fleet.call((trpc) => trpc.pods.list.query({}, { signal }));
      refusedSinceMs = null;
      // The others have come over the tailnet, or are awaited there.
      return page.items.filter(({ name }) => name === LOCAL_POD);
    } catch (error) {
      signal.throwIfAborted();
      if (!FleetError.is(error) || error.code !== "unauthorized") return null;
      refusedSinceMs ??= Date.now();
      if (Date.now() - refusedSinceMs > KEY_GRACE_MS) throw keyRefused(dataDir, error);
      return null;
    }
  }

  /** What it waits for now, or null when all is ready. */
  async function waitingFor(): Promise<string | null> {
    if (!(await edgeReady(baseUrl))) return "the edge to start";
    const known = await pods();
    if (known === null) return "the edge to answer";
    if (options.hasPod === false) return null;
    const readiness = podReadiness(known, { sinceMs: startedMs, nowMs: Date.now() });
    switch (readiness.is) {
      case "ready":
        return null;
      case "waiting":
        return readiness.what;
      case "hopeless":
        throw podRefused(dataDir, readiness.condition);
    }
  }

  while (true) {
    signal.throwIfAborted();
    const failure = options.failed();
    if (failure !== null) throw new FleetError("comfy_unavailable", `Cannot start: ${failure}`);
    const what = await waitingFor();
    if (what === null) return;
    if (what !== said) options.onWait(what);
    said = what;
    if (Date.now() - startedMs > options.timeoutMs) {
      throw new FleetError("timeout", `Cannot start in ${options.timeoutMs / 1000} s: still waiting for ${what}`, {
        hint: "Look at the logs named above.",
      });
    }
    await sleep(50, undefined, { signal });
  }
}
