/** Waiting until a local fleet can take a job, saying what it waits for. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pod } from "../../contracts/pod.ts";
import { createFleet } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";

export interface WaitOptions {
  baseUrl: string;
  apiKey: string;
  timeoutMs: number;
  signal: AbortSignal;
  /** Told when what it waits for changes. */
  onWait(message: string): void;
  /** A reason to stop waiting (a child was given up), or null. */
  failed(): string | null;
}

async function edgeReady(baseUrl: string): Promise<boolean> {
  const response = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  return response?.ok ?? false;
}

/** @param sinceMs what an earlier life of the edge knew of its pods does not count */
function waitingFor(pods: Pod[], sinceMs: number): string | null {
  const [pod] = pods.filter(({ lastSeenAt }) => lastSeenAt !== null && Date.parse(lastSeenAt) >= sinceMs);
  if (!pod) return "the edge to meet the pod";
  if (pod.phase === "ready") return null;
  const bad = pod.conditions.find((condition) => condition.status !== "true");
  return `the pod (${bad?.message ?? pod.phase})`;
}

/** @throws FleetError `timeout` with the last thing waited for, or `comfy_unavailable` when a child was given up. */
export async function waitReady(options: WaitOptions): Promise<void> {
  const fleet = createFleet({ baseUrl: options.baseUrl, apiKey: options.apiKey, requestTimeoutMs: 5_000 });
  const startedMs = Date.now();
  const deadlineMs = startedMs + options.timeoutMs;
  let said = "";
  while (true) {
    options.signal.throwIfAborted();
    const failure = options.failed();
    if (failure !== null) throw new FleetError("comfy_unavailable", `Cannot start: ${failure}`);
    const ready = await edgeReady(options.baseUrl);
    const what = ready
      ? await fleet.trpc.pods.list.query({}).then(
        (page) => waitingFor(page.items, startedMs),
        () => "the edge to answer",
      )
      : "the edge to start";
    if (what === null) return;
    if (what !== said) options.onWait(what);
    said = what;
    if (Date.now() > deadlineMs) {
      throw new FleetError("timeout", `Cannot start in ${options.timeoutMs / 1000} s: still waiting for ${what}`, {
        hint: "Look at the logs named above.",
      });
    }
    await sleep(50, undefined, { signal: options.signal });
  }
}
