/** What an edge says of itself to any authenticated caller: no secret, no address, no name of a pod or tenant. */
import { z } from "zod";
import { PodPhase } from "./pod.ts";
import { ProtocolRange } from "./protocol.ts";

const Count = z.int().min(0);

export const SystemInfo = z.object({
  /** Of comfyfleet on this edge. */
  version: z.string(),
  /** Versions of the edge ↔ agent contract that this edge speaks. */
  protocol: ProtocolRange,
  runtime: z.object({ name: z.enum(["deno", "node"]), version: z.string() }),
  /** Step of the database's schema. */
  schemaVersion: Count,
  limits: z.object({
    /** Largest workflow as JSON. */
    maxWorkflowBytes: Count,
    /** Largest upload and largest output. */
    maxUploadBytes: Count,
    /** Items of one page of any list. */
    maxPageItems: Count,
    /** Longest hold of `jobs.get`. */
    maxJobWaitMs: Count,
    /** Cap on one run for jobs that name none. */
    defaultRunWithinMs: Count,
    /** Losses to infrastructure after which a job fails. */
    maxLosses: Count,
  }),
  /** Pods that are not `gone`. */
  fleet: z.object({
    pods: Count,
    /** Phases without a pod are left out. */
    podsByPhase: z.partialRecord(PodPhase, Count),
    /** As the pods last said; of those that are `ready`. */
    slotsTotal: Count,
    slotsBusy: Count,
  }),
});
export type SystemInfo = z.infer<typeof SystemInfo>;
