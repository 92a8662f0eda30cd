/** The audit of operators' acts: an entry before each act, its end after it. */
import { typeid } from "typeid-js";
import type { AuditPort } from "../../contracts/edge/ports.ts";
import { AuditId } from "../../contracts/ids.ts";
import type { AuditStore } from "../store/audit-store.ts";
import type { Logger } from "../telemetry/logger.ts";

export function createAudit({ store, logger }: { store: AuditStore; logger: Logger }): AuditPort {
  return {
    async begin(act) {
      const id = AuditId.parse(typeid("audit").toString());
      await store.beginAct({ ...act, id });
      return {
        async end(outcome, target = null) {
          logger.info("operator act", { ...act, target: act.target ?? target, outcome });
          // The act is done, and its entry says that it was begun: the caller is not told that it failed.
          await store.endAct({ id, outcome, target }).catch((error: unknown) => {
            logger.error("audit entry not ended", { audit: id, outcome, error });
          });
        },
      };
    },
    list: (page) => store.listAudit(page),
  };
}
