/** What a stopped edge has left in its database. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { isTerminal, JobState } from "../../../contracts/job-state.ts";

const Event = z.object({ ver: z.number(), state: JobState, attempt: z.number(), reason: z.string().nullable() });
const Outbox = z.object({ state: z.string() });
const Attempt = z.object({ id: z.string(), no: z.number(), state: z.string(), reason: z.string().nullable() });

export interface StoredJob {
  events: z.infer<typeof Event>[];
  terminalEvents: z.infer<typeof Event>[];
  outbox: z.infer<typeof Outbox>[];
  attempts: z.infer<typeof Attempt>[];
}

/** The edge must not run. */
export function readStoredJob(dataDir: string, jobId: string): StoredJob {
  const db = new DatabaseSync(join(dataDir, "edge", "edge.db"));
  try {
    const all = (sql: string) => db.prepare(sql).all(jobId);
    const events = z.array(Event).parse(
      all("select ver, state, attempt, reason from event where job_id = ? order by ver"),
    );
    return {
      events,
      terminalEvents: events.filter(({ state }) => isTerminal(state)),
      outbox: z.array(Outbox).parse(all("select state from outbox where job_id = ?")),
      attempts: z.array(Attempt).parse(all("select id, no, state, reason from attempt where job_id = ? order by no")),
    };
  } finally {
    db.close();
  }
}
