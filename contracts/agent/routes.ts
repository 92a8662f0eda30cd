/**
 * The agent's raw HTTP paths, all behind the same authentication as its procedures.
 *
 * - `PUT /inputs/{sha256}`: body = the bytes → 201, or 200 when the pod has them; `hash_mismatch` when they differ.
 * - `GET|HEAD /attempts/{attemptId}/outputs/{index}`: the bytes, with `Range` and `ETag` ("sha256").
 * - `GET /metrics`: Prometheus text; also on the unix socket, without the secret.
 * - `GET /object-info/{sha256}`: ComfyUI's `/object_info` body with that hash, as JSON; 404 once it has changed.
 */
import type { AttemptId, Sha256 } from "../ids.ts";

export const AGENT_ROUTES = {
  trpc: "/trpc",
  inputs: "/inputs",
  attempts: "/attempts",
  objectInfo: "/object-info",
  metrics: "/metrics",
} as const;

export function inputPath(sha256: Sha256): string {
  return `${AGENT_ROUTES.inputs}/${sha256}`;
}

export function outputPath(attemptId: AttemptId, index: number): string {
  return `${AGENT_ROUTES.attempts}/${attemptId}/outputs/${index}`;
}

export function objectInfoPath(sha256: string): string {
  return `${AGENT_ROUTES.objectInfo}/${sha256}`;
}
