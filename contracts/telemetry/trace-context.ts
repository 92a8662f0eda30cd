/**
 * W3C trace context, version 00: who a piece of work belongs to, from the caller down to the pod. Its header is foreign
 * input on every hop: what does not read as one counts as none, and the work starts a trace of its own.
 */

export const TRACEPARENT_HEADER = "traceparent";

export interface TraceContext {
  /** 32 lowercase hex digits, not all zero; the same in every process that the work passes. */
  traceId: string;
  /** 16 lowercase hex digits, not all zero; of the span that is the parent of whatever gets this context. */
  spanId: string;
  /** Whether its spans are exported. */
  sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Longer than any version of it; a header may be of any length. */
const MAX_CHARS = 200;

const isZero = (hex: string) => /^0+$/.test(hex);

/** Null for what is no trace context. A later version is read by the fields that every version has. */
export function parseTraceparent(value: string | null | undefined): TraceContext | null {
  if (value === null || value === undefined || value.length > MAX_CHARS) return null;
  const [, version, traceId = "", spanId = "", flags = "", rest] = TRACEPARENT.exec(value.trim()) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (isZero(traceId) || isZero(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Random bytes, drawn many at a time: a draw costs a hundred times what a byte of it does. Each is used once. */
const pool = new Uint8Array(1_024);
let used = pool.length;

/** Random, and never all zero: its last digit is odd. */
function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const last = used + bytes - 1;
  let hex = "";
  while (used < last) hex += HEX[pool[used++] ?? 0];
  return hex + HEX[(pool[used++] ?? 0) | 1];
}

/** The first span of a trace of its own. */
export function newTrace(): TraceContext {
  return { traceId: randomHex(16), spanId: randomHex(8), sampled: true };
}

/** A new span below this one. */
export function childOf({ traceId, sampled }: TraceContext): TraceContext {
  return { traceId, spanId: randomHex(8), sampled };
}

/** For receipts and log lines (`trace_id`); null for what is no trace context. */
export function traceIdOf(traceparent: string | null): string | null {
  return parseTraceparent(traceparent)?.traceId ?? null;
}
