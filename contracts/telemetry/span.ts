/** Spans as the services record them, once they are over. */
import type { TraceContext } from "./trace-context.ts";

export interface Span {
  context: TraceContext;
  /** Null: the first of its trace. */
  parentSpanId: string | null;
  /** Of a bounded set: no id in it. */
  name: string;
  /** `server`: answers a call; `client`: makes one. */
  kind: "internal" | "server" | "client";
  /** Epoch ms, with fractions. */
  startMs: number;
  endMs: number;
  /** Why it failed; null where it did not. */
  error: string | null;
  attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Takes finished spans. Never waits, never throws: under pressure it drops them. */
export type RecordSpan = (span: Span) => void;
