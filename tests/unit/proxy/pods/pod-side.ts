// The whole pod side of an edge over a store in memory, a clock that the test moves, and one scripted agent.
import { createHash } from "node:crypto";
import type { AttemptId, EdgeId, JobId, PodId } from "../../../../contracts/ids.ts";
import { ATTEMPT_TIMINGS, type AttemptTimings } from "../../../../proxy/attempts/timings.ts";
import { createDispatcher } from "../../../../proxy/attempts/dispatch.ts";
import type { DispatchEnd } from "../../../../proxy/jobs/port.ts";
import { createLastProgress } from "../../../../proxy/jobs/last-progress.ts";
import { createObjectInfoCache } from "../../../../proxy/jobs/object-info-cache.ts";
import { createSettlement } from "../../../../proxy/attempts/settle.ts";
import { createAgents } from "../../../../proxy/pods/agents.ts";
import { createOffers } from "../../../../proxy/pods/offers.ts";
import type { LivePod } from "../../../../proxy/pods/port.ts";
import { registerStaticPods } from "../../../../proxy/pods/registry.ts";
import { createPodSessions } from "../../../../proxy/pods/sessions.ts";
import { podTimings } from "../../../../proxy/pods/timings.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import { createStore } from "../../../../proxy/store/create-store.ts";
import type { JobRow } from "../../../../proxy/store/job-store.ts";
import type { NewJob } from "../../../../proxy/store/new-job.ts";
import { openSqliteDriver } from "../../../../proxy/store/sqlite/open.ts";
import type { Logger } from "../../../../proxy/telemetry/logger.ts";
import { createFakeAgent } from "../../../support/fake-agent.ts";
import { createFaultyTransport } from "../../../support/faulty-transport.ts";
import { createMemoryBlobs } from "../../../support/memory-blobs.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { newEdgeId, newTenantId, sampleJob } from "../store/samples.ts";
import { testBox } from "../secrets/test-box.ts";
import { createPartnerKeys } from "../../../../proxy/jobs/partner-keys.ts";

interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  data: Record<string, unknown>;
}

function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: LogLine["level"]) => (message: string, data: Record<string, unknown> = {}) => {
    lines.push({ level, message, data });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => recordingLogger(lines),
  };
}

/** Waits in real time, at most two seconds, while the manual clock stands still. */
export async function until(condition: () => unknown): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (await condition()) return;
    await new Promise((resolve) => (turn % 10 === 9 ? setTimeout(resolve, 5) : setImmediate(resolve)));
  }
  throw new Error(`it never became true: ${condition.toString()}`);
}

/** The classes that sample jobs use, each enough of a graph by itself. */
const CLASSES = {
  EmptyImage: { input: { required: { width: ["INT", { min: 1 }] } }, output: ["IMAGE"], output_node: true },
  LoadImage: { input: { required: { image: [[], { image_upload: true }] } }, output: ["IMAGE"], output_node: true },
};

export async function setUpPodSide(options: { attempts?: Partial<AttemptTimings>; edgeId?: EdgeId } = {}) {
  const clock = createManualClock();
  const store = createStore(await openSqliteDriver({ path: ":memory:", now: () => Math.trunc(clock.nowMs()) }));
  const { id: tenantId } = await store.createTenant({ id: newTenantId(), name: "tests" });
  const transport = createFaultyTransport();
  const agent = createFakeAgent();
  const { rows } = await registerStaticPods(store, [{ name: "gpu-1", url: "http://127.0.0.1:1", secret: "x" }]);
  const podId = rows[0]?.id as PodId;
  transport.agents.set(podId, agent);
  /** Makes this the pod's `/object_info`, and answers its hash. */
  const describeClasses = async (classes: Record<string, unknown>): Promise<string> => {
    const body = JSON.stringify(classes);
    const sha256 = createHash("sha256").update(body).digest("hex");
    await store.putObjectInfo({ sha256, body });
    agent.capability = { ...agent.capability, objectInfoSha256: sha256 };
    return sha256;
  };
  const defaultBody = await describeClasses(CLASSES);
  const lines: LogLine[] = [];
  const signals = createSignals();
  const stop = new AbortController();
  const timings = { ...ATTEMPT_TIMINGS, releaseAfterMs: 0, ...options.attempts };
  const agents = createAgents({ transport, clock, firstEventMs: 10_000 });
  const blobs = createMemoryBlobs();
  const offers = createOffers(() => signals.emit("pods", undefined));
  const lastProgress = createLastProgress();
  const logger = recordingLogger(lines);
  const edgeId = options.edgeId ?? newEdgeId();
  const box = testBox();
  const partnerKeys = createPartnerKeys({ store, box });
  const shared = { store, agents, partnerKeys, signals, clock, logger };
  const settlement = createSettlement({ ...shared, blobs, lastProgress, timings, signal: stop.signal });
  const sessions = createPodSessions({
    ...shared,
    offers,
    settlement,
    timings: podTimings({ beatMs: 5_000, unreachableMs: 30_000, lostMs: 60_000 }),
    edgeId,
  }, rows);
  const dispatcher = createDispatcher({
    ...shared,
    blobs,
    objectInfo: createObjectInfoCache({ store, logger }),
    offers,
    settlement,
    timings,
    nudge: sessions.nudge,
    livePods: sessions.live,
    signal: stop.signal,
  });

  const live = (): LivePod => {
    const [pod] = sessions.live();
    if (!pod) throw new Error("no pod is live");
    return pod;
  };
  const job = async (id: JobId): Promise<JobRow> => {
    const row = await store.getJob(id);
    if (!row) throw new Error(`no job ${id}`);
    return row;
  };
  return {
    clock,
    store,
    box,
    partnerKeys,
    tenantId,
    transport,
    agent,
    podId,
    lines,
    signals,
    agents,
    blobs,
    offers,
    lastProgress,
    settlement,
    sessions,
    dispatcher,
    edgeId,
    describeClasses,
    live,
    job,
    /** Started, with a first beat answered, the event stream open, and the default body known. */
    async start() {
      sessions.start();
      const body = agent.capability.objectInfoSha256 === defaultBody ? defaultBody : null;
      await until(() => {
        const [pod] = sessions.live();
        return pod && (body === null || pod.objectInfoSha256 === body) && agent.watchers() === 1;
      });
    },
    /** Moves the clock by `ms`, with time for the calls that this wakes to come back. */
    async advance(ms: number) {
      for (let left = ms; left > 0; left -= 250) {
        await clock.advance(Math.min(left, 250));
        for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async submit(change: Partial<NewJob> = {}): Promise<JobRow> {
      const outcome = await store.submitJob(sampleJob(tenantId, change));
      if (outcome.status !== "created") throw new Error("the job was not created");
      return outcome.job;
    },
    async dispatch(id: JobId, pod = live(), after: AttemptId | null = null): Promise<DispatchEnd> {
      const { ver } = await job(id);
      return await dispatcher.dispatch({ jobId: id, ver, pod, after });
    },
    /** The attempt that the agent was last told to start. */
    lastStart() {
      const order = agent.starts.at(-1);
      if (!order) throw new Error("the agent was told to start nothing");
      return order;
    },
    async attempt(id: AttemptId) {
      const row = await store.getAttempt(id);
      if (!row) throw new Error(`no attempt ${id}`);
      return row;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await sessions.stop();
      await store.close();
    },
  };
}

export type PodSide = Awaited<ReturnType<typeof setUpPodSide>>;
