/**
 * Jobs of before schema 7, linked to their assets: those that unfinished jobs use are held, and outputs know their job.
 * References are found in the stored texts, which all builds write alike; a text that only looks like one names no asset.
 */
import { z } from "zod";
import { all, listChunks, run, type Transaction } from "./transaction.ts";

/** Few, because a page has them whole in memory, and a spec may have megabytes. */
const PAGE = 20;
/** By the primary key, so that all of its pages together read the table once, and none sorts it. */
const UNFINISHED = `select j.id, 0 as "atMs", s.spec as "text" from job j join job_spec s on s.job_id = j.id
  where state in ('queued', 'assigned', 'running', 'canceling') and j.id > $2 and $1 < 1
  order by j.id limit $3`;
/** The oldest end first, by its index: of several jobs with one asset, the last one keeps it. */
const WITH_OUTPUTS = `select id, completed_at_ms as "atMs", outputs as "text" from job
  where outputs <> '[]' and completed_at_ms is not null and (completed_at_ms, id) > ($1, $2)
  order by completed_at_ms, id limit $3`;
const MARK_USER = `update job set uses_assets = 1 where id in (select job_id from job_asset)`;

const TextColumns = z.object({ id: z.string(), atMs: z.int(), text: z.string() });
const ASSET_ID = /"(asset_[0-7][0-9a-z]{25})"/g;

function idsIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(ASSET_ID), ([, id = ""]) => id))];
}

function* eachJob(sql: string, link: (jobId: string, assetIds: string[]) => Transaction<void>): Transaction<void> {
  let after: [atMs: number, id: string] = [-1, ""];
  while (true) {
    const jobs = yield* all(sql, [...after, PAGE], TextColumns);
    for (const { id, text } of jobs) yield* link(id, idsIn(text));
    const last = jobs.at(-1);
    if (last === undefined || jobs.length < PAGE) return;
    after = [last.atMs, last.id];
  }
}

function* holdInputs(jobId: string, assetIds: string[]): Transaction<void> {
  for (const { placeholders, values } of listChunks(assetIds, 2)) {
    const sql = `insert into job_asset (job_id, asset_id) select j.id, a.id from job j join asset a
      on a.tenant_id = j.tenant_id where j.id = $1 and a.id in (${placeholders})`;
    yield* run(sql, [jobId, ...values]);
  }
}

function* nameJob(jobId: string, assetIds: string[]): Transaction<void> {
  for (const { placeholders, values } of listChunks(assetIds, 2)) {
    const sql = `update asset set job_id = $1 where id in (${placeholders})
      and tenant_id = (select tenant_id from job where id = $1)`;
    yield* run(sql, [jobId, ...values]);
  }
}

export function* linkOldJobs(): Transaction<void> {
  yield* eachJob(UNFINISHED, holdInputs);
  yield* run(MARK_USER, []);
  yield* eachJob(WITH_OUTPUTS, nameJob);
}
