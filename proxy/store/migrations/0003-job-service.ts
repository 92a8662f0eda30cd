/** Schema 3: which service a job is of, with its seed, beside the row: views of a job do not read its spec. */
import type { Migration } from "./migration.ts";

export const jobService: Migration = {
  version: 3,
  // JSON; null for a workflow, as all jobs before this schema are.
  statements: [`alter table job add column service text`],
};
