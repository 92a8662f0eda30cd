/** Health: `/livez` and `/readyz` say a word to anyone; `/healthz` names every part, for callers who may see pods. */
import type { Pod } from "../../contracts/pod.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type ComponentHealth, podHealth } from "./pod-health.ts";

export interface Health {
  /** Whether this edge takes requests: the store answers and it is not stopping. */
  ready(): Promise<{ ready: boolean; status: "ready" | "stopping" | "store_unavailable" }>;
  components(): Promise<ComponentHealth[]>;
}

export interface HealthOptions {
  /** Rejects when the store does not answer. */
  pingStore: () => Promise<unknown>;
  pods: () => Promise<Pod[]>;
  /** Null on an edge without a tailnet. */
  tailnet?: (() => Promise<ComponentHealth>) | null;
  stopping: AbortSignal;
  logger: Logger;
}

const READY_FIX = "Look at the edge's log and at the disk of EDGE_DATA_DIR.";

async function storeHealth(
  { pingStore, logger }: Pick<HealthOptions, "pingStore" | "logger">,
): Promise<ComponentHealth> {
  const name = "store";
  try {
    await pingStore();
    return { name, status: "ok", message: "The store answers", fix: null };
  } catch (error) {
    logger.error("store does not answer", { error });
    return { name, status: "failing", message: "Cannot reach the store", fix: READY_FIX };
  }
}

export function createHealth(options: HealthOptions): Health {
  const { pods, stopping } = options;
  return {
    async ready() {
      if (stopping.aborted) return { ready: false, status: "stopping" };
      const store = await storeHealth(options);
      return store.status === "ok" ? { ready: true, status: "ready" } : { ready: false, status: "store_unavailable" };
    },
    async components() {
      const store = await storeHealth(options);
      const found = store.status === "ok" ? await pods() : [];
      const none: ComponentHealth = {
        name: "pods",
        status: "failing",
        message: "No pod is known",
        fix: "Name pods in EDGE_PODS, or start everything on this machine with 'comfyfleet up'.",
      };
      const tailnet = await options.tailnet?.();
      return [
        store,
        ...(tailnet ? [tailnet] : []),
        ...(store.status === "ok" && found.length === 0 ? [none] : found.map(podHealth)),
      ];
    },
  };
}
