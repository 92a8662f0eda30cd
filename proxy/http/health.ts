/** Health: `/livez` and `/readyz` say a word to anyone; `/healthz` names every part, for callers who may see pods. */
import type { Pod } from "../../contracts/pod.ts";

/** `failing` needs somebody; `fix` says what to do. */
export interface ComponentHealth {
  name: string;
  status: "ok" | "failing";
  message: string;
  fix: string | null;
}

export interface Health {
  /** Whether this edge takes requests: the store answers and it is not stopping. */
  ready(): Promise<{ ready: boolean; status: "ready" | "stopping" | "store_unavailable" }>;
  components(): Promise<ComponentHealth[]>;
}

export interface HealthOptions {
  /** Rejects when the store does not answer. */
  pingStore: () => Promise<unknown>;
  pods: () => Promise<Pod[]>;
  stopping: AbortSignal;
}

const READY_FIX = "Look at the edge's log and at the disk of EDGE_DATA_DIR.";

async function storeHealth(ping: () => Promise<unknown>): Promise<ComponentHealth> {
  const name = "store";
  try {
    await ping();
    return { name, status: "ok", message: "The store answers", fix: null };
  } catch (error) {
    const message = `Cannot reach the store: ${error instanceof Error ? error.message : "unknown failure"}`;
    return { name, status: "failing", message, fix: READY_FIX };
  }
}

function podHealth(pod: Pod): ComponentHealth {
  const bad = pod.conditions.find((condition) => condition.status !== "true");
  const ok = pod.phase === "ready" && !bad;
  return {
    name: `pod ${pod.name}`,
    status: ok ? "ok" : "failing",
    message: bad?.message ?? `The pod is ${pod.phase}`,
    fix: ok ? null : `See its conditions with pods.get (${pod.id}) and the agent's log.`,
  };
}

export function createHealth({ pingStore, pods, stopping }: HealthOptions): Health {
  return {
    async ready() {
      if (stopping.aborted) return { ready: false, status: "stopping" };
      const store = await storeHealth(pingStore);
      return store.status === "ok" ? { ready: true, status: "ready" } : { ready: false, status: "store_unavailable" };
    },
    async components() {
      const store = await storeHealth(pingStore);
      const found = store.status === "ok" ? await pods() : [];
      const none: ComponentHealth = {
        name: "pods",
        status: "failing",
        message: "No pod is known",
        fix: "Name pods in EDGE_PODS, or start everything on this machine with 'comfyfleet up'.",
      };
      return [store, ...(store.status === "ok" && found.length === 0 ? [none] : found.map(podHealth))];
    },
  };
}
