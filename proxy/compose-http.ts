/** Wires the edge's routes: the typed contract, pods, the Comfy API v2, assets, health and metrics, over what `compose` has made. */
import type { RecordSpan } from "../contracts/telemetry/span.ts";
import type { Assets } from "./assets/port.ts";
import type { EdgeTailnet } from "./compose-tailnet.ts";
import type { Config } from "./config.ts";
import { createApp } from "./http/app.ts";
import { createHealth } from "./http/health.ts";
import { createPassThrough } from "./http/pass-through.ts";
import { tailnetHealth } from "./http/tailnet-health.ts";
import { createTrpcHandler, type EdgePorts, ENVELOPE_BYTES } from "./http/trpc.ts";
import { createV2 } from "./http/v2/app.ts";
import { createFileInputs } from "./jobs/file-inputs.ts";
import type { ObjectInfoCache } from "./jobs/object-info-cache.ts";
import type { Jobs } from "./jobs/port.ts";
import type { Agents } from "./pods/port.ts";
import { proxyList } from "./proxy-list.ts";
import type { EdgeSecret } from "./secrets/edge-secret.ts";
import { createUrlSigner } from "./secrets/url-signer.ts";
import type { Store } from "./store/port.ts";
import type { EdgeMetrics } from "./telemetry/edge-metrics.ts";
import { readFleetGauges } from "./telemetry/fleet-gauges.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Authenticator } from "./tenants/authenticate.ts";
import type { Clock } from "./time/clock.ts";

interface Parts {
  ports: EdgePorts;
  jobs: Jobs;
  assets: Assets;
  agents: Agents;
  authenticator: Authenticator;
  store: Store;
  objectInfo: ObjectInfoCache;
  secret: EdgeSecret;
  tailnet: EdgeTailnet | null;
  metrics: EdgeMetrics;
  /** Null: spans go nowhere. */
  record: RecordSpan | null;
  /** Aborted when the edge stops. */
  stopping: AbortSignal;
  clock: Clock;
  logger: Logger;
}

export function composeHttp(config: Config, parts: Parts): ReturnType<typeof createApp> {
  const { ports, jobs, assets, agents, authenticator, store, objectInfo, secret, tailnet, metrics, record } = parts;
  const { stopping, clock, logger } = parts;
  return createApp({
    authenticate: authenticator.authenticate,
    trpc: createTrpcHandler({
      ports,
      maxWorkflowBytes: config.MAX_WORKFLOW_BYTES,
      stopping,
      isActive: authenticator.isActive,
      clock,
      logger,
    }),
    pods: createPassThrough({
      agents,
      audit: ports.audit,
      isKnown: async (podId) => await store.getPod(podId) !== null,
      isActive: authenticator.isActive,
      maxBodyBytes: config.MAX_WORKFLOW_BYTES + ENVELOPE_BYTES,
      stopping,
      clock,
      logger: logger.child("pods"),
    }),
    v2: createV2({
      jobs,
      assets,
      fileInputs: createFileInputs({ objectInfo, clock }),
      signer: createUrlSigner({ secret, ttlMs: config.ASSET_URL_TTL_MS }),
      publicOrigin: config.EDGE_PUBLIC_URL ?? null,
      holdMs: config.V2_HOLD_MS,
      maxStreams: config.V2_MAX_STREAMS,
      requestsPerSecond: config.V2_REQUESTS_PER_SECOND,
      maxWorkflowBytes: config.MAX_WORKFLOW_BYTES,
      maxUploadBytes: config.MAX_UPLOAD_BYTES,
      isActive: authenticator.isActive,
      stopping,
      clock,
      logger: logger.child("v2"),
    }),
    assets,
    health: createHealth({
      pingStore: () => store.now(),
      pods: async () => (await ports.pods.list({ limit: 100 })).items,
      tailnet: tailnet && (async () => tailnetHealth(await tailnet.health(stopping))),
      stopping,
      logger: logger.child("health"),
    }),
    corsOrigins: config.EDGE_CORS_ORIGINS,
    trustedProxies: proxyList(config.EDGE_TRUSTED_PROXIES),
    stopping,
    logger: logger.child("http"),
    clock,
    metrics,
    readGauges: () => readFleetGauges(store, metrics).then(tailnet?.readGauges),
    record,
  });
}
