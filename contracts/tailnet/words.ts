/** The names that edge, agent, policy and people share on the tailnet. */
import { z } from "zod";

export const EDGE_TAG = "tag:edge";
export const POD_TAG = "tag:pod";
/** Pods without tenants' jobs, whose ComfyUI and Jupyter named people may open. */
export const DEV_POD_TAG = "tag:dev-pod";

/** Whether it is a pod, for jobs or for development. */
export function hasPodTag({ tags }: { tags: readonly string[] }): boolean {
  return tags.includes(POD_TAG) || tags.includes(DEV_POD_TAG);
}

/** The one port of a pod that the policy opens; the agent listens on it at 127.0.0.1. */
export const AGENT_PORT = 8189;
/** What listens on a pod's loopback beside the agent, and must never be reachable: ComfyUI and Jupyter. */
export const CLOSED_POD_PORTS: readonly number[] = [8188, 8888];
/** What an edge listens on, and no pod may reach. */
export const CLOSED_EDGE_PORTS: readonly number[] = [8080, 8189];

/** Name of the app capability in the policy's grants, as `DOMAIN/PATH`. */
export const DEFAULT_CAPABILITY = "comfyfleet.internal/cap/agent";

/**
 * What a caller may do on an agent, as the grant's `roles` say: `observe` what operators may read, `operate` what they may
 * change, `invoke` what only an edge does (beats, attempts, inputs, outputs) and only with {@link EDGE_TAG}.
 */
export const Role = z.enum(["observe", "invoke", "operate"]);
export type Role = z.infer<typeof Role>;
