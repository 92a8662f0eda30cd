/** What a watcher of a job saw. */
import type { JobEvent, Progress } from "../../../client/mod.ts";
import { isTerminal } from "../../../contracts/job-state.ts";
import type { StatusEvent } from "../../../contracts/event.ts";

export async function collect(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const all: JobEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function statuses(events: readonly JobEvent[]): StatusEvent[] {
  return events.filter((event) => event.type === "status");
}

/** The states in order, without repetition. */
export function states(events: readonly JobEvent[]): string[] {
  return statuses(events).map(({ state }) => state).filter((state, at, all) => state !== all[at - 1]);
}

export function terminalCount(events: readonly JobEvent[]): number {
  return statuses(events).filter(({ state }) => isTerminal(state)).length;
}

export function progressOf(events: readonly JobEvent[], attempt: number): Progress[] {
  return events.flatMap((event) => (event.type === "progress" && event.attempt === attempt ? [event.progress] : []));
}

/** Resolves once the job reports that this share of its work is done. */
export async function reached(events: AsyncIterable<JobEvent>, value: number): Promise<void> {
  for await (const event of events) {
    if (event.type === "progress" && event.progress.value >= value) return;
    if (event.type === "status" && isTerminal(event.state)) throw new Error(`the job ended first: ${event.state}`);
  }
  throw new Error("the stream ended first");
}
