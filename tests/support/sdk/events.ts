/** What the official SDK's `job.events()` gave. */
import type { Comfy } from "@comfyorg/sdk";

export type SdkJob = Awaited<ReturnType<Comfy["submit"]>>;
export type SdkEvent = ReturnType<SdkJob["events"]> extends AsyncGenerator<infer Event> ? Event : never;
export type SdkProgress = Extract<SdkEvent, { kind: "progress" }>;

/** @param onEvent told of each, as it comes */
export async function eventsOf(job: SdkJob, onEvent: (event: SdkEvent) => void = () => {}): Promise<SdkEvent[]> {
  const all: SdkEvent[] = [];
  for await (const event of job.events()) {
    all.push(event);
    onEvent(event);
  }
  return all;
}

/** The statuses in order, without repetition. */
export function statusesOf(events: readonly SdkEvent[]): string[] {
  const statuses = events.flatMap((event) => event.kind === "statusChange" ? [event.status] : []);
  return statuses.filter((status, at) => status !== statuses[at - 1]);
}

export function progressOf(events: readonly SdkEvent[]): SdkProgress[] {
  return events.filter((event) => event.kind === "progress");
}

/** Resolves at the first event of the job that satisfies the condition. */
export async function reached(job: SdkJob, condition: (event: SdkEvent) => boolean): Promise<void> {
  for await (const event of job.events()) if (condition(event)) return;
  throw new Error("the stream ended first");
}

export const isRunning = (event: SdkEvent): boolean => event.kind === "progress" && event.value > 0;
