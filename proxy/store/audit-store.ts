/** Rows of the audit table. */
import type { Act, AuditEntry, AuditOutcome } from "../../contracts/audit.ts";
import type { AuditId } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";

export interface AuditStore {
  /** Written before the act. */
  beginAct(act: Act & { id: AuditId }): Promise<void>;
  /** How it ended; a target given now takes the place of none. */
  endAct(end: { id: AuditId; outcome: AuditOutcome; target: string | null }): Promise<void>;
  /** Newest first. */
  listAudit(page: PageRequest): Promise<Page<AuditEntry>>;
}
