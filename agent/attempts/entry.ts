/**
 * One attempt that the agent holds: its record, every change of it journaled before anybody hears of it, and its watchers.
 * The only writer of a record. A transition that cannot be journaled throws {@link JournalFailure} and changes nothing.
 */
import { type AttemptEvent, type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Progress } from "../../contracts/progress.ts";
import type { Final, Journal } from "../journal/port.ts";
import type { Clock } from "../comfy/clock.ts";
import { JournalFailure } from "./journal-failure.ts";
import { Mailbox } from "./mailbox.ts";
import { type AttemptRecord, type EarlyOutput, type FoundOutputs, toReport } from "./record.ts";

/** Progress is written down this often while a run goes on, so that it does not fall after a restart. */
const PROGRESS_JOURNAL_INTERVAL_MS = 2_000;

export interface EntryDeps {
  journal: Journal;
  clock: Clock;
  /** Called after every change of state, with the report of it. */
  onReport: (report: AttemptReport) => void;
  /** Takes partner keys out of what ComfyUI said. */
  redact: <T>(said: T) => T;
}

/** A picture of the work in progress, as ComfyUI sent it. */
export interface Picture extends Pick<Extract<AttemptEvent, { type: "preview" }>, "nodeId" | "contentType"> {
  bytes: Uint8Array;
}

interface Watcher {
  mailbox: Mailbox<AttemptEvent>;
  previews: boolean;
}

export class AttemptEntry {
  readonly #record: AttemptRecord;
  readonly #deps: EntryDeps;
  readonly #watchers = new Set<Watcher>();
  #progressJournaledMs: number;
  /** The newest, for whoever begins to watch; while ComfyUI works on it. */
  #picture: Picture | null = null;

  constructor(record: AttemptRecord, deps: EntryDeps) {
    this.#record = record;
    this.#deps = deps;
    this.#progressJournaledMs = deps.clock.now();
  }

  get id(): AttemptId {
    return this.#record.order.attemptId;
  }

  get record(): Readonly<AttemptRecord> {
    return this.#record;
  }

  get isFinal(): boolean {
    return isAttemptFinal(this.#record.state);
  }

  /** Whether it has the slot, or is about to: ComfyUI is not done with it. */
  get holdsSlot(): boolean {
    return this.#record.state === "accepted" || this.#record.state === "running";
  }

  report(): AttemptReport {
    return toReport(this.#record);
  }

  bind(generationId: string): void {
    this.#journaled("bind", (journal) => journal.bind(this.id, generationId));
    this.#record.generationId = generationId;
  }

  run(said: JobError | null): void {
    const atMs = this.#deps.clock.now();
    const refusal = this.redact(said);
    this.#journaled("run", (journal) => journal.run(this.id, atMs, refusal));
    this.#change({ state: "running", startedAtMs: atMs, refusal });
  }

  /** The same without partner keys: what a node says may leave the pod. */
  redact<T>(said: T): T {
    return this.#deps.redact(said);
  }

  /** All that are known before the end. */
  findEarly(early: EarlyOutput[]): void {
    this.#journaled("findEarly", (journal) => journal.findEarly(this.id, early));
    // Under one key: of those that a slow watcher has not read, the newest tells all.
    this.#change({ early }, "early");
  }

  collect({ texts, ...files }: FoundOutputs): void {
    const atMs = this.#deps.clock.now();
    const found = { ...files, texts: this.redact(texts) };
    const { progress } = this.#record;
    this.#journaled("collect", (journal) => journal.collect(this.id, { atMs, found, progress }));
    this.#change({ state: "collecting", executedAtMs: atMs, found });
  }

  /** Does nothing to an attempt that is final already: the first end counts. */
  finish(end: Omit<Final, "atMs" | "progress">): void {
    if (this.isFinal) return;
    const atMs = this.#deps.clock.now();
    const final = { ...end, error: this.redact(end.error) };
    const { progress } = this.#record;
    this.#journaled("finish", (journal) => journal.finish(this.id, { ...final, atMs, progress }));
    this.#change({ ...final, finishedAtMs: atMs });
    this.closeWatchers();
  }

  requestCancel(): void {
    if (this.#record.cancelRequested || this.isFinal) return;
    this.#journaled("cancel", (journal) => journal.requestCancel(this.id));
    this.#change({ cancelRequested: true });
  }

  setProgress(progress: Progress): void {
    this.#record.progress = progress;
    const nowMs = this.#deps.clock.now();
    if (nowMs - this.#progressJournaledMs >= PROGRESS_JOURNAL_INTERVAL_MS) {
      this.#progressJournaledMs = nowMs;
      try {
        this.#deps.journal.progress(this.id, progress);
      } catch {
        // No run is worth ending for it: the next transition meets the same fault, if it lasts, and says so.
      }
    }
  }

  publishProgress(): void {
    const { progress } = this.#record;
    if (progress === null) return;
    for (const { mailbox } of this.#watchers) mailbox.put("progress", { type: "progress", progress });
  }

  publishPreview(picture: Picture): void {
    this.#picture = picture;
    const watchers = [...this.#watchers].filter(({ previews }) => previews);
    if (watchers.length === 0) return;
    const preview = previewOf(picture);
    for (const { mailbox } of watchers) mailbox.put("preview", preview);
  }

  /** Snapshot first; ends after the final report, or when the agent stops. */
  async *watch(options: { previews: boolean }, signal: AbortSignal): AsyncGenerator<AttemptEvent, void> {
    const watcher: Watcher = { mailbox: new Mailbox(), previews: options.previews };
    const report = this.report();
    watcher.mailbox.put(`report ${report.rev}`, { type: "report", report });
    if (options.previews && this.#picture !== null) watcher.mailbox.put("preview", previewOf(this.#picture));
    if (this.isFinal) watcher.mailbox.close();
    this.#watchers.add(watcher);
    try {
      yield* watcher.mailbox.read(signal);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  closeWatchers(): void {
    for (const { mailbox } of this.#watchers) mailbox.close();
  }

  #journaled(transition: string, write: (journal: Journal) => void): void {
    try {
      write(this.#deps.journal);
    } catch (cause) {
      throw new JournalFailure(transition, cause);
    }
  }

  #change(change: Partial<AttemptRecord>, key?: string): void {
    Object.assign(this.#record, change, { rev: this.#record.rev + 1 });
    if (!this.holdsSlot) this.#picture = null;
    const report = this.report();
    for (const { mailbox } of this.#watchers) {
      // The report carries the newest progress; one that waits unread would only repeat it.
      mailbox.drop("progress");
      mailbox.put(key ?? `report ${report.rev}`, { type: "report", report });
    }
    this.#deps.onReport(report);
  }
}

function previewOf({ nodeId, contentType, bytes }: Picture): AttemptEvent {
  return { type: "preview", nodeId, contentType, dataBase64: Buffer.from(bytes).toString("base64") };
}
