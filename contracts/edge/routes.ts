/**
 * The edge's raw HTTP paths; bytes never ride in tRPC. All need a key except `/livez` and `/readyz`.
 *
 * - `GET /metrics`: Prometheus text. Scope `metrics:read`.
 * - `POST /v1/assets?name=FILE`: body = the bytes, `content-type` = theirs → 201 `Asset`, or 200 when the tenant has
 *   them already. `x-expected-sha256` (optional) → `hash_mismatch` when they differ. Scope `assets:write`.
 * - `GET|HEAD /v1/assets/{assetId}/content`: the bytes, with `Range` and `ETag` ("sha256"). Scope `assets:read`.
 * - `/pods/{podId}/trpc/{procedure}`: the agent's own contract, passed through; which procedures and with which scope is
 *   said by their meta (`agent/operator.ts`).
 * - `/api/v2/*`: the Comfy API v2, with its own shape of errors; a signed link to bytes needs no key.
 */
import type { AssetId, PodId } from "../ids.ts";

export const EDGE_ROUTES = {
  trpc: "/trpc",
  livez: "/livez",
  readyz: "/readyz",
  healthz: "/healthz",
  metrics: "/metrics",
  assets: "/v1/assets",
  pods: "/pods",
} as const;

/** The Comfy API v2 as its own contract names it (docs/comfy-api-v2.md). */
export const V2_ROUTES = { jobs: "/api/v2/jobs", assets: "/api/v2/assets" } as const;

export const EXPECTED_SHA256_HEADER = "x-expected-sha256";

export function assetUploadPath(fileName: string): string {
  return `${EDGE_ROUTES.assets}?name=${encodeURIComponent(fileName)}`;
}

export function assetContentPath(assetId: AssetId): string {
  return `${EDGE_ROUTES.assets}/${assetId}/content`;
}

/** Where a pod's procedures are. */
export function podTrpcPath(podId: PodId): string {
  return `${EDGE_ROUTES.pods}/${podId}/trpc`;
}
