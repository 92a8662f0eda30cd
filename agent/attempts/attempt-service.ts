/** The attempts of this pod: takes orders, runs one at a time, keeps what is finished until the edge releases it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type AttemptEvent, type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { StartAttempt, StartResult } from "../../contracts/attempt.ts";
import type { AttemptsPort } from "../../contracts/agent/ports.ts";
import type { Slot } from "../../contracts/agent/messages.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import { formatTraceparent, newTrace, type TraceContext } from "../../contracts/telemetry/trace-context.ts";
import type { Journal } from "../journal/port.ts";
import { takesPrompts } from "../comfy/state.ts";
import type { PodIdentity } from "../pod/identity.ts";
import type { Logger } from "../telemetry/logger.ts";
import {
  agentStopping,
  alreadyReleased,
  attemptUnknown,
  comfyNotReady,
  GOING_AWAY,
  onItsWay,
  stillRunning,
} from "./attempt-errors.ts";
import { unitOf } from "./attempt-trace.ts";
import { AttemptEntry } from "./entry.ts";
import { mustWait } from "./place-of-order.ts";
import { type AttemptRecord, newRecord } from "./record.ts";
import { EARLIER_RUN } from "../comfy/end-cause.ts";
import { missingInputs } from "./missing-inputs.ts";
import { finishWith } from "./outcome.ts";
import { Run, type RunDeps } from "./run.ts";
import { runAttempt } from "./run-attempt.ts";
import { summaryOf } from "./summary.ts";
import { createTidy, leftBy, type Tidy } from "./tidy.ts";

export interface AttemptServiceDeps extends RunDeps {
  journal: Journal;
  identity: PodIdentity;
  /** Told of every attempt that is over, once. */
  onEnd?: (record: Readonly<AttemptRecord>) => void;
}

export class AttemptService implements AttemptsPort {
  readonly #deps: AttemptServiceDeps;
  /** Oldest first: the first that is not done with ComfyUI has the slot. */
  readonly #entries = new Map<AttemptId, AttemptEntry>();
  readonly #runs = new Map<AttemptId, { run: Run; done: Promise<void> }>();
  readonly #reportListeners = new Set<(report: AttemptReport) => void>();
  readonly #stopping = new AbortController();
  readonly #tidy: Tidy;
  #takesOrders = true;

  constructor(deps: AttemptServiceDeps) {
    this.#deps = deps;
    this.#tidy = createTidy(deps, this.#stopping.signal);
    deps.comfy.onMessage((message) => {
      for (const { run } of this.#runs.values()) run.onMessage(message);
    });
    deps.comfy.onStatus(() => {
      for (const { run } of this.#runs.values()) run.wake.ring();
    });
  }

  /** Goes on with what an earlier agent left, and cleans up what it released. */
  resume(): void {
    const { comfy, journal } = this.#deps;
    // What the earlier agent gave up may still run where ComfyUI is not ours to end.
    const evict = (promptId: string) => comfy.ownsProcess || comfy.evict(promptId, EARLIER_RUN);
    const released = journal.uncleaned().map((each) => ({ ...each, outputs: null, over: Promise.resolve() }));
    for (const { promptId } of released) evict(promptId);
    this.#tidy.released(released);
    for (const record of journal.unreleased()) {
      if (isAttemptFinal(record.state) && record.state !== "succeeded") evict(record.promptId);
      const entry = this.#hold(record);
      if (record.state === "running" || record.state === "collecting") this.#launch(entry, true);
    }
    this.#advance();
  }

  start(order: StartAttempt, trace: TraceContext = newTrace()): Promise<StartResult> {
    return Promise.resolve().then(() => this.#start(order, formatTraceparent(trace)));
  }

  withdraw(attemptId: AttemptId): Promise<AttemptReport> {
    return this.#with(attemptId, (entry) => {
      if (!entry.isFinal) {
        if (entry.record.generationId !== null || entry.record.state !== "accepted") throw onItsWay(attemptId);
        this.#cancel(entry);
      }
      return entry.report();
    });
  }

  cancel(attemptId: AttemptId): Promise<AttemptReport> {
    return this.#with(attemptId, (entry) => {
      this.#cancel(entry);
      return entry.report();
    });
  }

  get(attemptId: AttemptId): Promise<AttemptReport> {
    return this.#with(attemptId, (entry) => entry.report());
  }

  async *watch(attemptId: AttemptId, options: { previews: boolean }, signal: AbortSignal): AsyncIterable<AttemptEvent> {
    const entry = this.#entries.get(attemptId);
    if (!entry) throw attemptUnknown(attemptId);
    yield* entry.watch(options, AbortSignal.any([signal, this.#stopping.signal]));
  }

  async release(attemptIds: readonly AttemptId[]): Promise<void> {
    const { journal, partnerKeys, clock } = this.#deps;
    const held = [...new Set(attemptIds)].flatMap((attemptId) => this.#entries.get(attemptId) ?? []);
    const over = held.filter(({ isFinal }) => isFinal);
    if (over.length > 0) journal.release(over.map(({ id }) => id));
    for (const { id, record } of over) {
      this.#entries.delete(id);
      partnerKeys.release(record, clock, this.#stopping.signal);
    }
    this.#tidy.released(over.map(({ id, record }) => leftBy(record, this.#runs.get(id)?.done)));
    const running = held.find(({ isFinal }) => !isFinal);
    if (running) throw stillRunning(running.id);
  }

  /** Every attempt held, oldest first. */
  reports(): AttemptReport[] {
    return [...this.#entries.values()].map((entry) => entry.report());
  }

  slots(): Slot[] {
    const holder = this.#holder();
    const ready = holder === null && this.#takesOrders && takesPrompts(this.#deps.comfy.status);
    return [{ index: 0, ready, attemptId: holder?.id ?? null }];
  }

  /** Hashes that accepted attempts still need. */
  pinnedInputs(): Set<string> {
    const waiting = [...this.#entries.values()].filter((entry) => entry.record.state === "accepted");
    return new Set(waiting.flatMap((entry) => entry.record.order.inputs.map((input) => input.sha256)));
  }

  onReport(listener: (report: AttemptReport) => void): () => void {
    this.#reportListeners.add(listener);
    return () => this.#reportListeners.delete(listener);
  }

  /** Takes no more orders, and gives back those that have not begun. */
  refuseOrders(): void {
    this.#takesOrders = false;
    const waiting = [...this.#entries.values()].filter((entry) => entry.holdsSlot && !this.#runs.has(entry.id));
    for (const entry of waiting) finishWith(entry, { kind: "lost", error: GOING_AWAY });
  }

  /** Takes no more orders and leaves what runs to the next agent; the journal has it. */
  async stop(): Promise<void> {
    this.#takesOrders = false;
    this.#stopping.abort();
    await Promise.all([...[...this.#runs.values()].map(({ done }) => done), this.#tidy.done()]);
  }

  #start(order: StartAttempt, traceparent: string): StartResult {
    const { comfy, identity, inputs, journal, partnerKeys } = this.#deps;
    identity.admit(order);
    if (this.#entries.has(order.attemptId)) return { status: "accepted" };
    if (journal.wasReleased(order.attemptId)) throw alreadyReleased(order.attemptId);
    if (!this.#takesOrders) throw agentStopping();
    const { status } = comfy;
    if (!takesPrompts(status) || status.generation === null) throw comfyNotReady(status);
    const waits = mustWait(this.#entries.values(), order.after);
    const hashes = missingInputs(order, inputs);
    if (hashes.length > 0) return { status: "missing_input", hashes };
    partnerKeys.hold(order.attemptId, order.partnerKey);
    this.#accept(newRecord(order, {
      generationId: waits ? null : status.generation.id,
      atMs: this.#deps.clock.now(),
      traceparent,
    }));
    return { status: "accepted" };
  }

  #accept(record: AttemptRecord): void {
    this.#deps.journal.accept(record);
    const entry = this.#hold(record);
    this.#advance(entry);
    this.#tell(entry.report());
  }

  #hold(record: AttemptRecord): AttemptEntry {
    const { journal, clock, partnerKeys, onEnd } = this.#deps;
    const onReport = (report: AttemptReport) => {
      this.#tell(report);
      if (isAttemptFinal(report.state)) onEnd?.(record);
    };
    const secrets = () => partnerKeys.secretsOf(record);
    const entry = new AttemptEntry(record, { journal, clock, onReport, secrets });
    this.#entries.set(entry.id, entry);
    return entry;
  }

  #holder(): AttemptEntry | null {
    for (const entry of this.#entries.values()) if (entry.holdsSlot) return entry;
    return null;
  }

  /** Starts whoever has the slot now. @param fresh Just accepted, so that no earlier run of it can have posted it. */
  #advance(fresh: AttemptEntry | null = null): void {
    const holder = this.#holder();
    if (!holder || this.#runs.has(holder.id) || this.#stopping.signal.aborted) return;
    this.#launch(holder, holder !== fresh && holder.record.generationId !== null);
  }

  #launch(entry: AttemptEntry, mayBeThere: boolean): void {
    const run = new Run(entry, { ...this.#deps, logger: this.#loggerOf(entry) }, this.#stopping.signal);
    // A turn later: the report of its end is on its way by then.
    const done = runAttempt(run, mayBeThere).then(() => nextTurn()).then(() => this.#afterRun(entry));
    this.#runs.set(entry.id, { run, done });
  }

  #afterRun(entry: AttemptEntry): void {
    this.#runs.delete(entry.id);
    if (!entry.isFinal) return;
    this.#loggerOf(entry).info("attempt finished", summaryOf(entry.record));
    if (this.#entries.has(entry.id)) this.#tidy.finished(entry);
  }

  #loggerOf({ record }: AttemptEntry): Logger {
    return this.#deps.logger.child("attempts", unitOf(record, this.#deps.identity.podId));
  }

  #cancel(entry: AttemptEntry): void {
    entry.requestCancel();
    const running = this.#runs.get(entry.id);
    if (running) running.run.cancel();
    else if (!entry.isFinal) entry.finish({ state: "canceled", outputs: [], cached: false, error: null });
  }

  #tell(report: AttemptReport): void {
    for (const listener of this.#reportListeners) listener(report);
    if (isAttemptFinal(report.state) || report.state === "collecting") this.#advance();
  }

  #with<T>(attemptId: AttemptId, use: (entry: AttemptEntry) => T): Promise<T> {
    return Promise.resolve().then(() => {
      const entry = this.#entries.get(attemptId);
      if (!entry) throw attemptUnknown(attemptId);
      return use(entry);
    });
  }
}
