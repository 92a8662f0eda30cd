/** Outputs of an attempt that goes on, stored with its job. No transition: neither the state nor `ver` changes. */
import { isAtWork } from "./job-moves.ts";
import type { AddOutputs, Transition } from "./job-store.ts";
import { nameStored } from "./job-transitions.ts";
import { lockJob } from "./job-writes.ts";
import { clock, happened, type Transaction } from "./transaction.ts";

const SET_OUTPUTS = `update job set outputs = $3 where id = $1 and ver = $2 returning id`;

export function* addOutputs({ jobId, no, outputs, assets }: AddOutputs): Transaction<Transition> {
  const before = yield* lockJob(jobId);
  if (before === null || !isAtWork(before, no)) return { status: "stale", job: before };
  const job = { ...before, outputs: yield* nameStored(outputs, assets, yield* clock()) };
  if (!(yield* happened(SET_OUTPUTS, [jobId, before.ver, JSON.stringify(job.outputs)]))) {
    throw new Error(`Cannot add outputs to job ${jobId}: it changed while this transaction held it`);
  }
  return { status: "done", job };
}
