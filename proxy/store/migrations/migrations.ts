/** Every step of the schema, oldest first. Add the next one at the end. */
import { initial } from "./0001-initial.ts";
import { podObjectInfo } from "./0002-pod-object-info.ts";
import { jobService } from "./0003-job-service.ts";
import { operator } from "./0004-operator.ts";
import { eventOrderAndRetry } from "./0005-event-order-and-retry.ts";
import { jobTrace } from "./0006-job-trace.ts";
import { labelsPathsRetention } from "./0007-labels-paths-retention.ts";
import { jobSecret } from "./0008-job-secret.ts";
import { eventRemoved } from "./0009-event-removed.ts";
import { enrolment } from "./0010-enrolment.ts";
import { podVia } from "./0011-pod-via.ts";
import { assetBytes } from "./0012-asset-bytes.ts";
import { fewerPages } from "./0013-fewer-pages.ts";
import { assetPuts } from "./0014-asset-puts.ts";
import type { Migration } from "./migration.ts";

export const MIGRATIONS: readonly Migration[] = [
  initial,
  podObjectInfo,
  jobService,
  operator,
  eventOrderAndRetry,
  jobTrace,
  labelsPathsRetention,
  jobSecret,
  eventRemoved,
  enrolment,
  podVia,
  assetBytes,
  fewerPages,
  assetPuts,
];
