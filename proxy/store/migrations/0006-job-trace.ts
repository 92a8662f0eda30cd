/** Schema 6: the trace of the submit, so that what is done for the job later, by whichever edge, belongs to it. */
import type { Migration } from "./migration.ts";

export const jobTrace: Migration = {
  version: 6,
  // A W3C traceparent; null for jobs of before.
  statements: [`alter table job add column traceparent text`],
};
