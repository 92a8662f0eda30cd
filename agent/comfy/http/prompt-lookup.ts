/** What became of a prompt: `/api/jobs/{id}`, and on versions without it the queue first, then the history. */
import { z } from "zod";
import type { PromptLookup } from "../port.ts";
import { HistoryEntry, historyOutcome, JobEntry, jobOutcome } from "../wire/outcome.ts";
import { type Call, parseReply, unexpected } from "./call.ts";
import type { Reply } from "./exchange.ts";

/** A call bound to one generation's address. */
export type BoundCall = (call: Omit<Call, "timeoutMs"> & { timeoutMs?: number }) => Promise<Reply>;

const QueueItem = z.tuple([z.unknown(), z.string()]).rest(z.unknown());
const Queue = z.object({ queue_running: z.array(QueueItem).nullish(), queue_pending: z.array(QueueItem).nullish() });
/** Number, id, graph, extra data, and the output nodes to execute: in the queue and in the history. */
const PLANNED_INDEX = 4;
const Planned = z.array(z.string());
const JsonError = z.object({ error: z.string() });

const READ = "look up a prompt";

/** Asks the route of newer versions. Returns null when this ComfyUI has no such route. */
export async function lookupJob(
  send: BoundCall,
  promptId: string,
  signal: AbortSignal,
): Promise<PromptLookup | null> {
  const reply = await send({ path: `/api/jobs/${encodeURIComponent(promptId)}`, signal });
  if (reply.status === 200) return jobOutcome(parseReply(READ, reply, JobEntry));
  if (reply.status === 404) return isJsonError(reply) ? { status: "unknown" } : null;
  throw unexpected(READ, reply);
}

/** The queue is read first: a prompt only ever moves from it to the history, so it cannot slip through between. */
export async function lookupOld(send: BoundCall, promptId: string, signal: AbortSignal): Promise<PromptLookup> {
  const place = await placeInQueue(send, promptId, signal);
  if (place !== null) return { status: place };
  const reply = await send({ path: `/history/${encodeURIComponent(promptId)}`, signal });
  if (reply.status !== 200) throw unexpected(READ, reply);
  const entry = parseReply(READ, reply, z.record(z.string(), HistoryEntry))[promptId];
  return entry === undefined ? { status: "unknown" } : historyOutcome(entry);
}

export async function placeInQueue(
  send: BoundCall,
  promptId: string,
  signal: AbortSignal,
): Promise<"running" | "pending" | null> {
  const reply = await send({ path: "/queue", signal });
  if (reply.status !== 200) throw unexpected(READ, reply);
  const queue = parseReply(READ, reply, Queue);
  const has = (items: z.infer<typeof QueueItem>[] | null | undefined) => items?.some((item) => item[1] === promptId);
  if (has(queue.queue_running)) return "running";
  return has(queue.queue_pending) ? "pending" : null;
}

/**
 * Which output nodes ComfyUI means to run, or has run: those that it found wrong are not among them. Null when it does not
 * say. Reads the whole queue, graphs and all, so it is asked only where it matters.
 * @throws FleetError `comfy_unavailable` when it does not answer
 */
export async function readPlannedOutputs(
  send: BoundCall,
  promptId: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | null> {
  const { queue_running, queue_pending } = readable(await send({ path: "/queue", signal }), Queue) ?? {};
  const item = [...queue_running ?? [], ...queue_pending ?? []].find(([, id]) => id === promptId);
  if (item !== undefined) return plannedOf(item);
  const reply = await send({ path: `/history/${encodeURIComponent(promptId)}`, signal });
  return plannedOf(readable(reply, z.record(z.string(), HistoryEntry))?.[promptId]?.prompt ?? []);
}

function plannedOf(item: readonly unknown[]): ReadonlySet<string> | null {
  const planned = Planned.safeParse(item[PLANNED_INDEX]);
  return planned.success ? new Set(planned.data) : null;
}

/** Null for an answer that says nothing of what is looked for. */
function readable<T>(reply: Reply, schema: z.ZodType<T>): T | null {
  try {
    return reply.status === 200 ? schema.parse(JSON.parse(reply.text)) : null;
  } catch {
    return null;
  }
}

/** ComfyUI's own 404 is JSON; that of a missing route is text. */
function isJsonError(reply: Reply): boolean {
  try {
    return JsonError.safeParse(JSON.parse(reply.text)).success;
  } catch {
    return false;
  }
}
