/**
 * A subscription as tRPC's client reads it: server-sent events over one body, with a ping when there is nothing to
 * tell. The end of a job is told this way, so there is as little as can be between an event and the connection.
 */
import { callTRPCProcedure, isTrackedEnvelope } from "@trpc/server";
import { agentRouter } from "../../contracts/agent/router.ts";
import { STREAM_EVENTS } from "../../contracts/agent/stream-events.ts";
import { STREAM_CLIENT, STREAM_PING_MS } from "../../contracts/trpc.ts";
import type { Clock } from "../comfy/clock.ts";
import { failureOf, plainData, type ProcedureCall, rawInput } from "./procedure-call.ts";

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};
const PING = `event: ${STREAM_EVENTS.ping}\ndata: \n\n`;
const END = `event: ${STREAM_EVENTS.end}\ndata: \n\n`;

/** JSON has no line breaks of its own. */
function frame(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function eventFrame(event: unknown): string {
  const [id, data] = isTrackedEnvelope(event) ? event : [null, event];
  return `data: ${JSON.stringify(plainData(data))}\n${id === null ? "" : `id: ${id}\n`}\n`;
}

/** All that is sent but pings. A refused call is an event too: by its status a client would try again for ever. */
async function* framesOf(call: ProcedureCall, input: string | null, signal: AbortSignal): AsyncGenerator<string, void> {
  const { path, context: ctx } = call;
  yield frame(STREAM_EVENTS.connected, STREAM_CLIENT);
  try {
    const procedure = { router: agentRouter, path, type: "subscription", batchIndex: 0 } as const;
    const events = await callTRPCProcedure({ ...procedure, ctx, getRawInput: rawInput(input), signal });
    for await (const event of events as AsyncIterable<unknown>) yield eventFrame(event);
    yield END;
  } catch (cause) {
    yield frame(STREAM_EVENTS.error, failureOf(cause, call).data);
  }
}

/**
 * Ends when the events do, or when its reader leaves; the events are let go of then.
 * @param input as the query has it
 * @param options.left aborted when the caller has gone
 */
export function answerStream(
  call: ProcedureCall,
  input: string | null,
  { clock, left }: { clock: Clock; left: AbortSignal },
): Response {
  const ended = new AbortController();
  const over = AbortSignal.any([left, ended.signal]);
  const frames = framesOf(call, input, over);
  let lastMs = clock.now();

  async function keepAlive(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (!over.aborted) {
      const nowMs = clock.now();
      if (nowMs - lastMs >= STREAM_PING_MS) {
        lastMs = nowMs;
        // Below 0 while something lies unread: to a reader that is behind there is enough to send.
        if (controller.desiredSize === 0) controller.enqueue(Buffer.from(PING));
      }
      await clock.sleep(lastMs + STREAM_PING_MS - nowMs, over);
    }
  }

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      void keepAlive(controller);
    },
    async pull(controller) {
      const { done, value } = await frames.next().catch((error: unknown) => {
        ended.abort("failed");
        throw error;
      });
      if (ended.signal.aborted) return;
      lastMs = clock.now();
      if (!done) return controller.enqueue(Buffer.from(value));
      ended.abort("over");
      controller.close();
    },
    cancel() {
      ended.abort("left");
      // Not awaited: it may wait for an event that nobody wants any more.
      frames.return().catch(() => undefined);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: HEADERS });
}
