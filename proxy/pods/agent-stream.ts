/**
 * One connection of an agent's subscription, in tRPC's protocol over server-sent events. tRPC's own client reads it by
 * way of two more streams, an `EventSource` and three generators, and opens it again for ever.
 */
import superjson, { type SuperJSONResult } from "superjson";
import { STREAM_EVENTS } from "../../contracts/agent/stream-events.ts";
import { FleetError } from "../../contracts/errors.ts";
import { errorOfProcedure, errorOfResponse } from "./agent-error.ts";
import { eventGauge, MAX_EVENT_BYTES } from "./answer-limit.ts";
import { createEventLines } from "./event-lines.ts";
import type { StreamSink } from "./event-stream.ts";
import type { AgentResponse } from "./port.ts";

/** Opens the connection; its body errors when the signal aborts. */
export type OpenStream = (signal: AbortSignal) => Promise<AgentResponse>;

function cutShort(): FleetError {
  return new FleetError("agent_unreachable", "Cannot watch the agent: its stream was cut");
}

/** Calls the sink for one event of the protocol. @throws what the procedure ended with; SyntaxError for broken JSON */
function tell(sink: StreamSink, name: string, data: string): void {
  const value = () => superjson.deserialize(JSON.parse(data) as SuperJSONResult);
  switch (name) {
    case STREAM_EVENTS.message:
      return sink.data(value(), data.length);
    case STREAM_EVENTS.error:
      throw errorOfProcedure(value());
    case STREAM_EVENTS.end:
      return sink.end();
    default:
      // That it is connected, and its pings, say that it lives, as all bytes do.
  }
}

async function read(open: OpenStream, sink: StreamSink, signal: AbortSignal): Promise<never> {
  const { status, headers, body } = await answered(await open(signal));
  if (status !== 200 || body === null || !headers.get("content-type")?.startsWith("text/event-stream")) {
    body?.cancel().catch(() => {});
    throw new FleetError("agent_unreachable", "Cannot watch the agent: its answer is no stream of events");
  }
  const gauge = eventGauge(MAX_EVENT_BYTES);
  const take = createEventLines((name, data) => tell(sink, name, data));
  // Left early, by an error too, it cancels the body.
  for await (const chunk of body) {
    sink.alive();
    gauge(chunk);
    take(chunk);
  }
  throw cutShort();
}

/** @throws the refusal */
async function answered(response: AgentResponse): Promise<AgentResponse> {
  if (response.ok) return response;
  throw await errorOfResponse(response);
}

/** Reads until it ends, one way or the other, or is unsubscribed; never opens another. */
export function readStream(open: OpenStream, sink: StreamSink): { unsubscribe(): void } {
  const left = new AbortController();
  read(open, sink, left.signal).catch(sink.cut);
  return { unsubscribe: () => left.abort("unsubscribed") };
}
