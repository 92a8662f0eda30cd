/** What operators and administrators did: one entry an act, written before the act is done. */
import { z } from "zod";
import { ErrorCode } from "./errors.ts";
import { AuditId, KeyId, TenantId, Timestamp } from "./ids.ts";

export const AuditEntry = z.object({
  id: AuditId,
  at: Timestamp,
  keyId: KeyId,
  tenantId: TenantId,
  /** The procedure; on a pod with its own name, e.g. `pod:comfy.restart`. */
  action: z.string(),
  /** Id of what was acted on; null where there is none. */
  target: z.string().nullable(),
  /** What the caller gave as the reason. */
  reason: z.string().nullable(),
  /** `ok` or the code of the refusal; null while it is under way, and for ever when the edge died in it. */
  outcome: z.union([z.literal("ok"), ErrorCode]).nullable(),
  requestId: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export type AuditOutcome = NonNullable<AuditEntry["outcome"]>;

/** An act as it is about to be done. */
export type Act = Pick<AuditEntry, "keyId" | "tenantId" | "action" | "target" | "reason" | "requestId">;
