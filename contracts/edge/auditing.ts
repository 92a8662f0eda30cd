/** Which of the edge's procedures leave an audit entry, and what stands in it. */
import type { TRPCError } from "@trpc/server";
import { z } from "zod";
import type { AuditOutcome } from "../audit.ts";
import type { Scope } from "../tenant.ts";
import { fromTRPCError } from "../trpc.ts";

const AUDITED: ReadonlySet<Scope> = new Set<Scope>(["pods:operate", "models:operate", "admin"]);

/** Whether mutations that need this scope are acts of an operator. */
export function isAudited(scope: Scope): boolean {
  return AUDITED.has(scope);
}

const Named = z.string().regex(/^[\w.-]{1,100}$/).nullish().catch(null);
const ActInput = z.object({
  podId: Named,
  keyId: Named,
  tenantId: Named,
  model: Named,
  reason: z.string().transform((text) => text.slice(0, 300)).nullish().catch(null),
});

/** Target and reason of an input that nobody has judged yet. */
export function describeAct(input: unknown): { target: string | null; reason: string | null } {
  const act = ActInput.safeParse(input);
  if (!act.success) return { target: null, reason: null };
  const { podId, keyId, tenantId, model, reason } = act.data;
  return { target: podId ?? keyId ?? tenantId ?? model ?? null, reason: reason || null };
}

const Made = z.object({ id: z.string().max(100) });

/** Of `pods.enroll`, whose answer holds keys: nothing else of it is looked at. */
const Enrolled = z.object({ pods: z.array(z.object({ podId: z.string().max(100) })).min(1) });

/** Id of what a mutation has made or changed; several with spaces between them. */
export function targetOf(result: unknown): string | null {
  const pods = Enrolled.safeParse(result).data?.pods;
  return Made.safeParse(result).data?.id ?? pods?.map(({ podId }) => podId).join(" ") ?? null;
}

/** @param error what a procedure failed with; null when it did not */
export function outcomeOf(error: TRPCError | null): AuditOutcome {
  return error === null ? "ok" : fromTRPCError(error).code;
}
