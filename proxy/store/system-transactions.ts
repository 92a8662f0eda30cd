/** Reading what the store says of itself and of the fleet as a whole. */
import { z } from "zod";
import { PodPhase } from "../../contracts/pod.ts";
import type { PhaseCount } from "./system-store.ts";
import { all, one, type Transaction } from "./transaction.ts";

const SCHEMA_VERSION = `select max(version) as "version" from schema_version`;
const COUNT_PODS = `select phase, count(*) as "pods", sum(slots_total) as "slotsTotal", sum(slots_busy) as "slotsBusy"
  from pod where phase <> 'gone' group by phase order by phase`;

const PhaseColumns: z.ZodType<PhaseCount> = z.object({
  phase: PodPhase.catch("joining"),
  pods: z.int(),
  slotsTotal: z.int(),
  slotsBusy: z.int(),
});

export function* schemaVersion(): Transaction<number> {
  return (yield* one(SCHEMA_VERSION, [], z.object({ version: z.int().nullable() })))?.version ?? 0;
}

export function countPods(): Transaction<PhaseCount[]> {
  return all(COUNT_PODS, [], PhaseColumns);
}
