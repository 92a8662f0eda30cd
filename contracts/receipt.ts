/**
 * What a finished job was made of and where its time went. Null is what nobody knows: each field says who would. Fields
 * that later versions added are null in receipts from before them.
 */
import { z } from "zod";
import { PodId, Sha256 } from "./ids.ts";
import { ServiceUse } from "./services/spec.ts";

const DurationMs = z.number().min(0);

/** Where the wall time of a job went, in ms; the parts but `modelLoadMs` add up to `totalMs` within clock resolution. */
export const JobTiming = z.object({
  /** Accepted → assigned, over all attempts that were lost too, and the wait on the pod behind another run. */
  queueMs: DurationMs,
  /** Assigned → ComfyUI has the prompt: the call to the agent and its staging of inputs. */
  assignMs: DurationMs,
  /** ComfyUI has the prompt → it is done, model loads included. */
  executeMs: DurationMs,
  /** How much of `executeMs` went into loading models. Null: ComfyUI does not tell, and no agent measures it yet. */
  modelLoadMs: DurationMs.nullable().default(null),
  /** Done → outputs hashed by the agent. */
  collectMs: DurationMs,
  /** Outputs hashed → every byte in the asset store and the result committed. */
  storeMs: DurationMs,
  totalMs: DurationMs,
});
export type JobTiming = z.infer<typeof JobTiming>;

export const Receipt = z.object({
  /** sha256 over RFC 8785 JSON of the compiled graph without `_meta` and filename prefixes, assets as their sha256. */
  graphSha256: Sha256,
  /** Null for a workflow, and in receipts of versions that knew no services. */
  service: ServiceUse.nullable().default(null),
  pod: z.object({ id: PodId, name: z.string() }).nullable(),
  /** As the pod's agent last said; null for a ComfyUI that does not tell its own. */
  comfyVersion: z.string().nullable(),
  agentVersion: z.string().nullable().default(null),
  /** Hash of the pod's `/object_info` body: the same classes with the same inputs, where it is the same. */
  objectInfoSha256: Sha256.nullable().default(null),
  /** Name of the pod's first GPU as ComfyUI reports it; null on a pod that renders on its CPU. */
  gpu: z.string().nullable().default(null),
  /** Model file names that the graph asks for. A digest is that of the pod's file: null until agents verify files. */
  models: z.array(z.object({ name: z.string(), sha256: Sha256.nullable() })),
  /** True when ComfyUI took every output from its cache and rendered nothing. */
  cached: z.boolean(),
  /** Tries it took, and how many of them were lost to infrastructure. */
  attempts: z.int().min(0),
  losses: z.int().min(0),
  /** `executeMs` of the attempt that ended the job, on one GPU; what lost attempts took is not in it. Null without a GPU. */
  gpuSeconds: z.number().min(0).nullable().default(null),
  /** W3C trace id of the submit; null without one, and in receipts of versions that knew no traces. */
  traceId: z.string().nullable().default(null),
  timing: JobTiming,
});
export type Receipt = z.infer<typeof Receipt>;
