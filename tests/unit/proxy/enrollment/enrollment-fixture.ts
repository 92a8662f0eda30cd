// Enrolment over a store in memory and a control server in memory, on a clock that the test sets.
import type { PodId } from "../../../../contracts/ids.ts";
import { createEnrollment } from "../../../../proxy/enrollment/enrollment.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import type { PodRow } from "../../../../proxy/store/pod-store.ts";
import type { Logger } from "../../../../proxy/telemetry/logger.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newEdgeId, newPodId } from "../store/samples.ts";
import { fakeControl } from "./fake-control.ts";

const signal = new AbortController().signal;
export const GRACE_MS = 3_600_000;

export async function setUp({ withControl = true } = {}) {
  const db = await memoryStore();
  const lines: string[] = [];
  const say = (message: string, data?: Record<string, unknown>) =>
    void lines.push(`${message} ${JSON.stringify(data)}`);
  const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
  const control = fakeControl(() => db.time.nowMs);
  const forgotten: PodId[] = [];
  const statics = new Set<PodId>();
  const signals = createSignals();
  let told = 0;
  signals.on("pods", () => (told += 1));
  const clock = { ...createManualClock(), nowMs: () => db.time.nowMs };
  const options = {
    store: db.store,
    control: withControl ? control : null,
    isOnTailnet: true,
    isStatic: (podId: PodId) => statics.has(podId),
    forget: (podId: PodId) => Promise.resolve(void forgotten.push(podId)),
    orphanGraceMs: GRACE_MS,
    signals,
    clock,
    logger,
    edgeId: newEdgeId(),
  };
  const enrollment = createEnrollment(options);
  const enroll = (count = 1, dev = false) => enrollment.acts.enroll({ count, ttlMs: 900_000, dev }, signal);
  const remove = (podId: PodId, running: "refuse" | "lose" = "refuse") =>
    enrollment.acts.remove({ podId, running, reason: "" }, signal);
  /** Id at the control server of the key that an enrolled pod was given. */
  const keyOf = (pod: { key: string } | undefined) => pod?.key.split("-").at(-1) ?? "";
  return {
    ...{ db, clock, keyOf, lines, control, forgotten, statics, options, enrollment, enroll, remove, told: () => told },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

/** A pod that joined: its row is that of a StableID. */
export async function joined(
  { db }: Awaited<ReturnType<typeof setUp>>,
  stableId: string,
  name = `host-${stableId}`,
): Promise<PodRow> {
  const via = stableId === name ? "direct" : "tailnet";
  return await db.store.registerPod({ id: newPodId(), name, transportKey: stableId, via });
}
