/** `GET /api/v2/jobs/{id}/events`: the stream of one job, within what a tenant may have open. */
import { whileActive } from "../while-active.ts";
import { jobEvents } from "./job-events.ts";
import { linksFor, type V2Options, type V2Route } from "./request.ts";
import { SSE_HEADERS, sseBody } from "./sse.ts";
import { createStreamSlots } from "./stream-slots.ts";
import { jobIdOf } from "./uuids.ts";

const KEEP_ALIVE_MS = 15_000;

export function createEventsRoute(options: V2Options): V2Route {
  const { jobs, clock, stopping, maxStreams } = options;
  const slots = createStreamSlots(maxStreams);

  return async (c, caller) => {
    const { raw } = c.req;
    const jobId = jobIdOf(c.req.param("id") ?? "");
    if (raw.method === "HEAD") {
      // A stream that nobody reads would hold its slot.
      await jobs.get(caller, { jobId, waitMs: 0 }, raw.signal);
      return new Response(null, { headers: SSE_HEADERS });
    }
    const slot = slots.take(caller.tenantId);
    const left = new AbortController();
    const signal = AbortSignal.any([raw.signal, stopping, left.signal]);
    const source = { jobs, clock, links: () => linksFor(options, c) };
    const events = whileActive(options, caller, {
      signal,
      open: (inForce) => jobEvents(source, { caller, jobId }, inForce),
    });
    // Also for a body that nobody has begun to read: what it watches is let go of here, not by its reader.
    const end = () => {
      slot.free();
      left.abort("ended");
      events.return(undefined).catch(() => undefined);
    };
    try {
      // An unknown job is an answer of its own, not a stream: the first event is waited for.
      const first = await events.next();
      const body = sseBody(events, { first, clock, keepAliveMs: KEEP_ALIVE_MS, onEnd: end });
      // A client that goes away before it has read anything may never cancel the body.
      raw.signal.addEventListener("abort", end, { once: true });
      if (raw.signal.aborted) end();
      return new Response(body, { headers: SSE_HEADERS });
    } catch (error) {
      end();
      throw error;
    }
  };
}
