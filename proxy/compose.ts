/** Wires the edge: adapters, domain, HTTP. Starts in order of need, stops in the reverse, each step whatever the others do. */
import { join } from "node:path";
import { typeid } from "typeid-js";
import { createAssets } from "./assets/assets.ts";
import { createFolderStore } from "./assets/folder-store.ts";
import { withSmallBytes } from "./assets/with-small-bytes.ts";
import { keepSweeping } from "./assets/sweep.ts";
import { createDispatcher } from "./attempts/dispatch.ts";
import { createSettlement } from "./attempts/settle.ts";
import { ATTEMPT_TIMINGS } from "./attempts/timings.ts";
import { createAudit } from "./audit/audit.ts";
import { composeControlApi, composeEnrollment } from "./compose-enrollment.ts";
import { composeHttp } from "./compose-http.ts";
import { composeTailnet } from "./compose-tailnet.ts";
import { composeTelemetry } from "./compose-telemetry.ts";
import type { Config } from "./config.ts";
import { createEvents } from "./events/watch-events.ts";
import { createObjectInfoCache } from "./jobs/object-info-cache.ts";
import { createLastProgress } from "./jobs/last-progress.ts";
import { createPartnerKeys } from "./jobs/partner-keys.ts";
import { createJobs } from "./jobs/service.ts";
import { createAgents } from "./pods/agents.ts";
import { systemClock } from "./time/clock.ts";
import { createDirectTransport } from "./pods/direct-transport.ts";
import { createOffers } from "./pods/offers.ts";
import { registerStaticPods } from "./pods/registry.ts";
import { createPodsService } from "./pods/service.ts";
import { createPodSessions } from "./pods/sessions.ts";
import { podTimings } from "./pods/timings.ts";
import { createPodsWatch } from "./pods/watch-pods.ts";
import type { Runtime } from "./runtime/port.ts";
import { createClaims } from "./scheduler/claims.ts";
import { createPlanner } from "./scheduler/planner.ts";
import { createReaper } from "./scheduler/reaper.ts";
import { openEdgeSecret } from "./secrets/edge-secret.ts";
import { createSealedBox } from "./secrets/sealed-box.ts";
import { createServices } from "./services/services.ts";
import { createSignals } from "./signals.ts";
import { openSqliteStore } from "./store/sqlite/open.ts";
import { createSystem } from "./system/info.ts";
import { createNoTailnetPort } from "./tailnet/tailnet-port.ts";
import type { Logger } from "./telemetry/logger.ts";
import { observedStore } from "./telemetry/observed-store.ts";
import { observedTransport } from "./telemetry/observed-transport.ts";
import { createAuthenticator } from "./tenants/authenticate.ts";
import { ensureFirstKey } from "./tenants/first-key.ts";
import { createKeysPort } from "./tenants/keys.ts";
import { createTenantsPort } from "./tenants/tenants.ts";

export interface Edge {
  port: number;
  /** Ends streams and loops, waits for requests in flight until the deadline, closes the store. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
}

/** What a stop waits for a collector that does not answer: with the rest it stays under two seconds. */
const LAST_SPANS_MS = 300;

export async function composeEdge(
  config: Config,
  { runtime, logger }: { runtime: Runtime; logger: Logger },
): Promise<Edge> {
  const clock = systemClock();
  const stopping = new AbortController();
  const signal = stopping.signal;
  const edgeId = typeid("edge").toString();

  const { metrics, tracing } = composeTelemetry(config, { edgeId, clock, logger });
  const { record } = tracing;
  const opened = await openSqliteStore({
    path: join(config.EDGE_DATA_DIR, "edge.db"),
    jobRetentionMs: config.JOB_RETENTION_MS,
  });
  const store = observedStore(opened, { metrics, record });
  const folder = await createFolderStore({ root: join(config.EDGE_DATA_DIR, "assets") });
  const blobs = withSmallBytes(folder, store);
  const secret = openEdgeSecret({ dataDir: config.EDGE_DATA_DIR, given: config.EDGE_SECRET_KEY });
  const box = createSealedBox({ secret });
  const authenticator = createAuthenticator({ store, monotonicMs: clock.monotonicMs });

  const signals = createSignals();
  const offers = createOffers(() => signals.emit("pods", undefined));
  const timings = podTimings({
    beatMs: config.POD_BEAT_MS,
    unreachableMs: config.POD_UNREACHABLE_MS,
    lostMs: config.POD_LOST_MS,
  });
  const attemptTimings = {
    ...ATTEMPT_TIMINGS,
    maxLosses: config.JOB_MAX_LOSSES,
    maxOutputBytes: config.MAX_UPLOAD_BYTES,
  };
  const registered = await registerStaticPods(store, config.EDGE_PODS);
  const direct = createDirectTransport({ pods: registered.targets, fetch: runtime.fetch });
  const control = composeControlApi(config, { clock });
  const tailnet = composeTailnet(config, { store, control, metrics, clock, logger: logger.child("tailnet") });
  const transport = observedTransport(tailnet?.beside(direct) ?? direct, { metrics, monotonicMs: clock.monotonicMs });
  const agents = createAgents({ transport, clock, firstEventMs: timings.firstEventMs });

  const objectInfo = createObjectInfoCache({ store, logger });
  const lastProgress = createLastProgress();
  const partnerKeys = createPartnerKeys({ store, box });
  const common = { store, agents, blobs, partnerKeys, signals, clock, timings: attemptTimings, logger, signal };
  const settlement = createSettlement({ ...common, lastProgress });
  const sessions = createPodSessions(
    { store, agents, offers, settlement, signals, clock, timings, logger, edgeId, toldByEdge: tailnet?.toldByEdge },
    registered.rows,
  );
  const dispatcher = createDispatcher({
    ...common,
    record,
    objectInfo,
    offers,
    settlement,
    nudge: sessions.nudge,
    livePods: sessions.live,
  });
  const planner = createPlanner({
    store,
    sessions,
    dispatcher,
    settlement,
    objectInfo,
    signals,
    clock,
    logger,
    edgeId,
  });
  const reaper = createReaper({ store, rendered: settlement, signals, clock, logger, edgeId });
  const jobs = createJobs({
    store,
    agents,
    objectInfo,
    signals,
    clock,
    logger,
    planner,
    claims: createClaims({ planner, dispatcher }),
    settlement,
    lastProgress,
    blobs,
    box,
    limits: {
      maxWorkflowBytes: config.MAX_WORKFLOW_BYTES,
      defaultRunWithinMs: config.JOB_RUN_TIMEOUT_MS,
      maxQueued: config.TENANT_MAX_QUEUED,
    },
    jobRetentionMs: config.JOB_RETENTION_MS,
  });

  const assets = createAssets({ store, blobs, maxUploadBytes: config.MAX_UPLOAD_BYTES });
  const parts = { store, control, sessions, signals, clock, logger, edgeId };
  const enrollment = composeEnrollment(config, { ...parts, isStatic: (podId) => registered.targets.has(podId) });
  const pods = {
    ...createPodsService({ store, signals }),
    ...enrollment.acts,
    watch: createPodsWatch({ store, signals, clock, logger: logger.child("pods") }),
  };
  const ports = {
    jobs,
    assets,
    pods,
    services: createServices({ store, sessions, objectInfo }),
    tenants: createTenantsPort(store),
    keys: createKeysPort({ store, authenticator }),
    audit: createAudit({ store, logger: logger.child("audit") }),
    events: createEvents({ store, signals, clock, logger }),
    system: createSystem({ store, runtime, config }),
    tailnet: tailnet?.port({ agents, store, moreChecks: enrollment.checks }) ?? createNoTailnetPort(),
  };
  const app = composeHttp(config, {
    ...{ ports, jobs, assets, agents, authenticator, store, objectInfo, secret, tailnet, metrics, record },
    ...{ stopping: signal, clock, logger },
  });

  const listener = await runtime.serve(config.EDGE_LISTEN, (request, remote) => app.fetch(request, { remote }));
  // After the port is ours: a key that was kept but could not be said would lock everybody out.
  const firstKey = await ensureFirstKey({ store, bootstrapKey: config.EDGE_BOOTSTRAP_KEY });
  // The one time it is said: an operator who starts the edge by hand has no other way to it.
  if (firstKey.status === "minted") runtime.writeLine(`First administrator key, shown once: ${firstKey.key}`);
  sessions.start();
  const joining = tailnet?.run(sessions, signal);
  planner.start();
  reaper.start();
  const sweeping = keepSweeping({ store, blobs, clock, logger: logger.child("assets") }, signal);
  const enrolling = enrollment.keepSweeping(signal);
  logger.info("edge ready", { hostname: listener.hostname, port: listener.port, runtime: runtime.name, edgeId });

  let stopped: Promise<void> | null = null;
  async function stop(deadlineMs: number): Promise<void> {
    logger.info("edge stopping", { edgeId });
    stopping.abort(new DOMException("the edge is stopping", "AbortError"));
    await Promise.allSettled([
      listener.stop(deadlineMs),
      planner.stop(),
      reaper.stop(),
      sessions.stop(),
      sweeping,
      enrolling,
      joining,
    ]);
    tailnet?.close();
    const telling = tracing.stop(LAST_SPANS_MS);
    await store.releaseRoles(edgeId).catch((error: unknown) => logger.warn("roles not released", { error }));
    await store.close();
    await telling;
  }
  return { port: listener.port, stop: (deadlineMs) => stopped ??= stop(deadlineMs) };
}
