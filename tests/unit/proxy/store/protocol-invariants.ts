/** What must hold in the store's tables after any history, read with SQL of its own rather than through the store. */
import { z } from "zod";
import { canTransition, isTerminal, JobState } from "../../../../contracts/job-state.ts";
import type { JobId } from "../../../../contracts/ids.ts";
import { all, type StoreDriver, type Transaction } from "../../../../proxy/store/transaction.ts";
import { resultHash } from "./protocol-parts.ts";

const JobColumns = z.object({
  id: z.custom<JobId>(),
  state: z.string(),
  ver: z.int(),
  winner: z.int().nullable(),
  outputs: z.string().transform((text) => z.array(z.object({ sha256: z.string() })).parse(JSON.parse(text))),
});
const EventColumns = z.object({ ver: z.int(), state: JobState });
const AttemptColumns = z.object({ no: z.int(), state: z.string() });

/** Visible states hide `assigned`, and a `queued` event may follow another: an offer that was counted as a loss. */
function mayFollow(before: JobState, after: JobState): boolean {
  if (canTransition(before, after)) return true;
  return before === "queued" && ["queued", "running", "canceling", "failed"].includes(after);
}

function* jobViolations(job: z.output<typeof JobColumns>): Transaction<string[]> {
  const found: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) found.push(`${job.id}: ${what}`);
  };
  const events = yield* all("select ver, state from event where job_id = $1 order by ver", [job.id], EventColumns);
  const attempts = yield* all("select no, state from attempt where job_id = $1 order by no", [job.id], AttemptColumns);
  const outbox = yield* all("select state from outbox where job_id = $1", [job.id], z.object({ state: z.string() }));

  const final = JobState.safeParse(job.state);
  check(final.success && isTerminal(final.data), `ended as ${job.state}`);
  check(events.filter((event) => isTerminal(event.state)).length === 1, "has not one terminal event");
  const last = events.at(-1);
  check(last?.state === job.state && last.ver === job.ver, "its last event is not its state");
  check(outbox.length === 1 && outbox[0]?.state === job.state, "has not one outbox row of its state");
  check(events.every((event, i) => i === 0 || event.ver > (events[i - 1]?.ver ?? 0)), "its versions do not rise");
  const jumps = events.filter((event, i) => i > 0 && !mayFollow(events[i - 1]?.state ?? "expired", event.state));
  check(jumps.length === 0, `jumped to ${jumps.map((event) => event.state).join()}`);

  const succeeded = attempts.filter((attempt) => attempt.state === "succeeded");
  check(attempts.every((attempt, i) => attempt.no === i + 1), "its attempts are not numbered from 1");
  check(attempts.every((attempt) => !["offered", "running"].includes(attempt.state)), "has a live attempt left");
  check(succeeded.length === (job.state === "succeeded" ? 1 : 0), `has ${succeeded.length} succeeded attempts`);
  if (job.state === "succeeded") {
    check(succeeded[0]?.no === job.winner, "its winner is not the attempt that succeeded");
    check(job.outputs[0]?.sha256 === resultHash(job.id, job.winner ?? 0), "its result is not its winner's");
  }
  return found;
}

/** Of a store in which every job has ended. */
export function* finalViolations(): Transaction<string[]> {
  const jobs = yield* all("select id, state, ver, winner, outputs from job", [], JobColumns);
  const found: string[] = [];
  for (const job of jobs) found.push(...yield* jobViolations(job));
  return found;
}

const TWO_LIVE = `select job_id as "jobId" from attempt where state in ('offered', 'running')
  group by job_id having count(*) > 1`;

/** At any time. */
export async function jobsWithTwoLiveAttempts(driver: StoreDriver): Promise<string[]> {
  const rows = await driver.read(() => all(TWO_LIVE, [], z.object({ jobId: z.string() })));
  return rows.map((row) => `${row.jobId}: has two live attempts`);
}
