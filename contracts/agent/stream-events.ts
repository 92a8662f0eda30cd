/**
 * The events of tRPC's protocol for subscriptions over server-sent events, which the agent writes and the edge reads
 * without tRPC's help. A test of the agent's answers compares them with those of tRPC's own handler.
 */
export const STREAM_EVENTS = {
  /** The first one; its data tells tRPC's client how long to be patient. */
  connected: "connected",
  /** What the procedure yields. Sent without a name: server-sent events have this one then. */
  message: "message",
  /** Nothing to tell, but alive. */
  ping: "ping",
  /** The procedure failed; its data is the error. */
  error: "serialized-error",
  /** The procedure has ended in order. */
  end: "return",
} as const;
