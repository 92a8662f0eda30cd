/**
 * Schema 2: which `/object_info` body each pod has, in a column of its own. Every submit asks which bodies the fleet has,
 * and which ones nobody has any more is asked whenever one is stored.
 */
import type { Migration } from "./migration.ts";

export const podObjectInfo: Migration = {
  version: 2,
  statements: [
    `alter table pod add column object_info_sha256 text`,
    // Until each pod's next beat a submit would otherwise be judged as if it had no pods.
    `update pod set object_info_sha256 = (select o.sha256 from object_info o
      where pod.capability like '%"objectInfoSha256":"' || o.sha256 || '"%')`,
    // Covers the question, so that nobody reads past the texts of a pod's row.
    `create index pod_object_info on pod (phase, object_info_sha256, id)`,
  ],
};
