/** Durable events as watchers get them: the id is the job's version, from which a cut stream resumes. */
import type { StatusEvent } from "../../contracts/event.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Job } from "../../contracts/job.ts";
import type { EventRow } from "../store/job-store.ts";
import type { Mail } from "./mailbox.ts";

/** @param job the whole job, with the event that ends it; else null */
export function lifecycleMail({ jobId, ver, state, attempt, atMs, reason }: EventRow, job: Job | null): Mail {
  const data: StatusEvent = { type: "status", jobId, ver, state, attempt, at: toTimestamp(atMs), reason, job };
  return { ver, event: { id: String(ver), data } };
}

/** The version in an id of ours (`ver` or `ver.n`), or null for anything else. */
export function versionOf(eventId: string | null | undefined): number | null {
  const match = /^(\d{1,15})(?:\.\d{1,15})?$/.exec(eventId ?? "");
  return match ? Number(match[1]) : null;
}
