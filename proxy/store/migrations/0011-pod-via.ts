/** Schema 11: by which way a pod is reached, so that one whose node has left the tailnet is told from one of a list. */
import type { Migration } from "./migration.ts";

export const podVia: Migration = {
  version: 11,
  statements: [`alter table pod add column via text not null default 'direct'`],
};
