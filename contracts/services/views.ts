/** Services as the edge's contract shows them: the list, one in detail, and the dry run of one input. */
import { z } from "zod";
import { OutputType } from "../asset.ts";
import { PodId, Sha256 } from "../ids.ts";
import { Priority, Waiting } from "../job.ts";
import { requireService, SERVICES } from "./registry.ts";
import { ServiceSpecSchema } from "./spec.ts";

export const ServiceSummary = z.object({
  id: z.string(),
  version: z.int(),
  title: z.string(),
  summary: z.string(),
  /** Other names that are accepted wherever the id is. */
  aliases: z.array(z.string()),
  /** Ids of its variants. */
  variants: z.array(z.string()),
  /** Of all model files together. */
  modelBytes: z.number(),
});
export type ServiceSummary = z.infer<typeof ServiceSummary>;

export const ModelFile = z.object({
  name: z.string(),
  folder: z.string(),
  repo: z.string(),
  revision: z.string(),
  path: z.string(),
  sizeBytes: z.number(),
  sha256: Sha256,
  confidence: z.enum(["multi", "single"]),
});

export const ServiceDetails = ServiceSummary.extend({
  /** JSON Schema of the input, with a description of every field. */
  inputSchema: z.record(z.string(), z.unknown()),
  variants: z.array(z.object({ id: z.string(), summary: z.string() })),
  outputs: z.array(z.object({ name: z.string(), nodeId: z.string(), type: OutputType, contentType: z.string() })),
  models: z.array(ModelFile),
  requirements: z.object({
    minVramBytes: z.number(),
    recommendedVramBytes: z.number(),
    /** Node classes that ComfyUI must have, over all variants. */
    classes: z.array(z.string()),
  }),
  /** The cheapest input that loads every model. */
  warmUp: z.record(z.string(), z.unknown()),
});
export type ServiceDetails = z.infer<typeof ServiceDetails>;

/** What a pod lacks for one input. */
const Missing = z.object({
  classes: z.array(z.string()),
  /** Model files by name; the size is null for one that is not in the service's manifest. */
  models: z.array(z.object({ name: z.string(), folder: z.string().nullable(), sizeBytes: z.number().nullable() })),
});

export const PlannedPod = z.object({
  id: PodId,
  name: z.string(),
  /** `chosen`: the job would start here now. `possible`: it would have done too. `refused`: see the reason. */
  verdict: z.enum(["chosen", "possible", "refused"]),
  reason: z.string(),
  missing: Missing,
});
export type PlannedPod = z.infer<typeof PlannedPod>;

export const ServicePlan = z.object({
  service: z.string(),
  version: z.int(),
  /** The variant that serves this input. */
  variant: z.string(),
  /** Where the job would start now; null when it would wait. */
  pod: z.object({ id: PodId, name: z.string() }).nullable(),
  /** Why it would wait; null when a pod would take it now. */
  waiting: Waiting.nullable(),
  /** Queued jobs that were looked at with it. */
  queued: z.int().min(0),
  pods: z.array(PlannedPod).max(1_000),
  /** Time to the result in ms; null while nothing was measured. */
  eta: z.object({ p50Ms: z.number().nullable(), p90Ms: z.number().nullable() }),
});
export type ServicePlan = z.infer<typeof ServicePlan>;

/** A spec without its kind, as `jobs.submit` would take it. */
export const PlanService = z.strictObject({
  service: z.string().max(100),
  version: z.int().min(1).optional(),
  input: z.unknown().optional(),
  priority: Priority.default("normal"),
}).transform(({ priority, ...spec }) => ({ spec: ServiceSpecSchema.parse({ kind: "service", ...spec }), priority }));
export type PlanService = z.output<typeof PlanService>;

/** JSON Schema of what a caller writes for a service. @throws FleetError `not_found` */
export function inputSchemaOf(name: string): Record<string, unknown> {
  return z.toJSONSchema(SERVICES[requireService(name)].input, { io: "input" });
}
