/**
 * What happens to one job, as the events of the Comfy API v2: the job as it is, then every change, to the terminal status.
 * Nothing is replayed; a client that was cut off reads the job and opens another stream.
 */
import type { Output } from "../../../contracts/asset.ts";
import type { JobEvent } from "../../../contracts/event.ts";
import { isTerminal } from "../../../contracts/job-state.ts";
import type { JobId } from "../../../contracts/ids.ts";
import type { Caller } from "../../../contracts/tenant.ts";
import type { Clock } from "../../time/clock.ts";
import { errorView, outputView, progressView, queuePositionView } from "./job-view.ts";
import type { ContentLinks } from "./links.ts";
import type { V2Options } from "./request.ts";
import type { EventBatch, ServerEvent } from "./sse.ts";

/** Least time between two progress events, ms: the contract's two a second. */
const PROGRESS_INTERVAL_MS = 500;
/** How often a queued job's place is looked at, ms. */
const QUEUE_LOOK_MS = 5_000;

interface EventSource {
  jobs: Pick<V2Options["jobs"], "watch" | "get" | "queuePosition">;
  clock: Pick<Clock, "after">;
  /** Anew for each event: links live shorter than streams. */
  links: () => ContentLinks;
}

export interface EventRequest {
  caller: Caller;
  jobId: JobId;
}

type Status = Extract<JobEvent, { type: "status" }>;
type Coming = Promise<IteratorResult<{ data: JobEvent }>>;

/** The state decides, not the look at the queue that comes after it. */
async function statusOf({ jobs }: EventSource, { state, jobId }: Status) {
  const position = state === "queued" ? await jobs.queuePosition(jobId) : null;
  return { status: state, queue_position: queuePositionView({ state }, position) };
}

/** Every output is told before the terminal status, also those that nobody knew of while the job ran. */
async function lastEvents(source: EventSource, last: Status, told: ReadonlySet<string>): Promise<EventBatch> {
  const status = await statusOf(source, last);
  const { job } = last;
  if (job === null) return [{ event: "status", data: status }];
  const links = source.links();
  const outputs = job.outputs.map((output) => ({ name: nameOf(output), data: outputView(output, links) }));
  const untold = outputs.filter(({ name }) => !told.has(name)).map(({ data }) => ({ event: "output", data }));
  const whole = { ...status, outputs: outputs.map(({ data }) => data), error: job.error && errorView(job.error) };
  return [...untold, { event: "status", data: whole }];
}

async function eventOf(source: EventSource, event: JobEvent): Promise<ServerEvent> {
  switch (event.type) {
    case "status":
      return { event: "status", data: await statusOf(source, event) };
    case "progress":
      return { event: "progress", data: progressView(event.progress) };
    case "preview":
      return {
        event: "preview",
        data: { node_id: event.nodeId ?? "", content_type: event.contentType, data_base64: event.dataBase64 },
      };
    case "output":
      return { event: "output", data: outputView(event.output, source.links()) };
  }
}

function nameOf({ nodeId, name, assetId }: Output): string {
  return [nodeId, name, assetId].join("/");
}

/** Progress of a job that runs when the stream is opened; null when it is over or nobody knows any. */
async function progressOfNow(source: EventSource, { caller, jobId }: EventRequest, signal: AbortSignal) {
  const { progress } = await source.jobs.get(caller, { jobId, waitMs: 0 }, signal);
  return progress === null ? null : { event: "progress", data: progressView(progress) };
}

/**
 * Returns the terminal status, behind the outputs that were not told before it; undefined at the signal.
 * @throws FleetError `not_found` before the first event
 */
export async function* jobEvents(
  source: EventSource,
  request: EventRequest,
  signal: AbortSignal,
): AsyncGenerator<EventBatch, EventBatch | void> {
  const { jobs, clock } = source;
  const { caller, jobId } = request;
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const input = { jobId, previews: true, progressIntervalMs: PROGRESS_INTERVAL_MS };
  const events = jobs.watch(caller, input, ended)[Symbol.asyncIterator]();
  let state: Status["state"] | null = null;
  let position: unknown = null;
  const told = new Set<string>();
  const pending: { event: Coming | null } = { event: null };

  /** Null when it is time to look at the queue again. */
  async function next(): Promise<Awaited<Coming> | null> {
    const event = pending.event ??= events.next();
    if (state !== "queued") return await event;
    const due = Promise.withResolvers<null>();
    const callOff = clock.after(QUEUE_LOOK_MS, () => due.resolve(null));
    return await Promise.race([event, due.promise]).finally(callOff);
  }

  try {
    while (!signal.aborted) {
      const result = await next();
      if (result === null) {
        // Null: it has left the queue, and the event that says so is on its way.
        const now = await jobs.queuePosition(jobId);
        if (now === null || now === position) continue;
        position = now;
        yield [{ event: "status", data: { status: "queued", queue_position: now } }];
        continue;
      }
      pending.event = null;
      if (result.done) return;
      const { data } = result.value;
      if (data.type === "status" && isTerminal(data.state)) return await lastEvents(source, data, told);
      if (data.type === "output") told.add(nameOf(data.output));
      const event = await eventOf(source, data);
      yield [event];
      if (data.type !== "status") continue;
      const isFirst = state === null;
      state = data.state;
      position = (event.data as { queue_position: unknown }).queue_position;
      const progress = isFirst && state !== "queued" ? await progressOfNow(source, request, signal) : null;
      if (progress !== null) yield [progress];
    }
  } finally {
    over.abort("ended");
    pending.event?.catch(() => undefined);
    await events.return?.();
  }
}
