/**
 * Sends spans to a collector in the background. Recording one is a push onto a bounded queue: whoever records never
 * waits, and what does not fit or cannot be sent is dropped and counted.
 */
import type { RecordSpan, Span } from "./span.ts";

/** `again`: the collector may take the same batch later. */
export type SendResult = { status: "taken" } | { status: "again" | "refused"; reason: string };

export interface SpanExporterOptions {
  /** Sends one batch; never rejects. */
  send: (spans: readonly Span[], signal: AbortSignal) => Promise<SendResult>;
  /** Ends early, without rejecting, when aborted. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 to 1, for the jitter of retries. */
  random: () => number;
  onExported: (spans: number) => void;
  onDropped: (spans: number) => void;
  /** Told once when sending begins to fail, not at every failure. */
  onFailing: (reason: string) => void;
  /** Spans that wait at most. Default 2,048. */
  maxQueued?: number;
  /** Spans of one request at most. Default 256. */
  maxBatch?: number;
  /** From the first waiting span to its request. Default 1,000. */
  delayMs?: number;
  /** Of one request. Default 10,000. */
  timeoutMs?: number;
  /** Of one batch, before it is dropped. Default 4. */
  tries?: number;
}

export interface SpanExporter {
  record: RecordSpan;
  /** Sends what waits, once, and takes nothing more; what is left at the deadline is dropped. Never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

export function createSpanExporter(options: SpanExporterOptions): SpanExporter {
  const { maxQueued = 2_048, maxBatch = 256, delayMs = 1_000, timeoutMs = 10_000, tries = 4 } = options;
  const stopping = new AbortController();
  let queue: Span[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sending: Promise<void> | null = null;
  let isFailing = false;
  let stopped: Promise<void> | null = null;

  async function trySend(batch: readonly Span[], withinMs: number): Promise<SendResult> {
    const result = await options.send(batch, AbortSignal.timeout(withinMs));
    if (result.status === "taken") options.onExported(batch.length);
    else if (!isFailing) options.onFailing(result.reason);
    isFailing = result.status !== "taken";
    return result;
  }

  async function sendBatch(batch: readonly Span[]): Promise<void> {
    for (let attempt = 1; attempt <= tries && !stopping.signal.aborted; attempt += 1) {
      const { status } = await trySend(batch, timeoutMs);
      if (status === "taken") return;
      if (status === "refused") break;
      const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS);
      if (attempt < tries) await options.sleep(pauseMs * (0.5 + options.random() / 2), stopping.signal);
    }
    options.onDropped(batch.length);
  }

  function flush(): void {
    timer = undefined;
    if (sending !== null || stopping.signal.aborted) return;
    const batch = queue.splice(0, maxBatch);
    if (batch.length === 0) return;
    sending = sendBatch(batch).finally(() => {
      sending = null;
      if (queue.length > 0 && !stopping.signal.aborted) schedule();
    });
  }

  function schedule(): void {
    timer ??= setTimeout(flush, queue.length >= maxBatch ? 0 : delayMs);
  }

  async function stop(deadlineMs: number): Promise<void> {
    const endsAtMs = performance.now() + deadlineMs;
    clearTimeout(timer);
    stopping.abort();
    const late = AbortSignal.timeout(deadlineMs);
    await Promise.race([sending, new Promise((resolve) => late.addEventListener("abort", resolve, { once: true }))]);
    while (queue.length > 0) {
      const leftMs = Math.ceil(endsAtMs - performance.now());
      const batch = queue.splice(0, maxBatch);
      if (leftMs <= 0 || (await trySend(batch, leftMs)).status !== "taken") options.onDropped(batch.length);
    }
  }

  return {
    record(span) {
      if (!span.context.sampled) return;
      if (queue.length >= maxQueued || stopping.signal.aborted) return options.onDropped(1);
      queue.push(span);
      if (sending === null) schedule();
    },
    stop: (deadlineMs) => stopped ??= stop(deadlineMs),
  };
}
