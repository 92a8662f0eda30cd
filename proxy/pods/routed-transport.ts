/** Two ways to agents as one: which of them a pod is on is asked at every call. */
import type { PodId } from "../../contracts/ids.ts";
import type { AgentTransport } from "./port.ts";

export function createRoutedTransport(
  options: { tailnet: AgentTransport; direct: AgentTransport; isOnTailnet: (podId: PodId) => boolean },
): AgentTransport {
  const { tailnet, direct, isOnTailnet } = options;
  return { fetch: (podId, path, init) => (isOnTailnet(podId) ? tailnet : direct).fetch(podId, path, init) };
}
