/** A way to agents whose calls are timed by procedure. */
import { agentRouter } from "../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import type { AgentTransport } from "../pods/port.ts";
import type { EdgeMetrics } from "./edge-metrics.ts";

const PROCEDURES: ReadonlySet<string> = new Set(Object.keys(agentRouter._def.procedures));

const RAW: readonly (readonly [prefix: string, procedure: string])[] = [
  [AGENT_ROUTES.inputs, "inputs.put"],
  [AGENT_ROUTES.attempts, "outputs.get"],
  [AGENT_ROUTES.objectInfo, "object_info.get"],
];

/** Of a bounded set: ids are in paths. */
export function procedureOf(path: string): string {
  const [plain = ""] = path.split("?", 1);
  if (plain.startsWith(`${AGENT_ROUTES.trpc}/`)) {
    const name = plain.slice(AGENT_ROUTES.trpc.length + 1);
    return PROCEDURES.has(name) ? name : "other";
  }
  return RAW.find(([prefix]) => plain.startsWith(`${prefix}/`))?.[1] ?? "other";
}

export function observedTransport(
  transport: AgentTransport,
  { metrics, monotonicMs }: { metrics: EdgeMetrics; monotonicMs: () => number },
): AgentTransport {
  return {
    async fetch(podId, path, init) {
      const startedMs = monotonicMs();
      try {
        return await transport.fetch(podId, path, init);
      } finally {
        const seconds = (monotonicMs() - startedMs) / 1_000;
        metrics.observe("comfyfleet_edge_agent_call_seconds", seconds, procedureOf(path));
      }
    },
  };
}
