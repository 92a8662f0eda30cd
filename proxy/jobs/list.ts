/** The jobs of one tenant, newest first. */
import type { z } from "zod";
import type { ListJobs } from "../../contracts/edge/inputs.ts";
import type { TenantId } from "../../contracts/ids.ts";
import type { Job } from "../../contracts/job.ts";
import type { Page } from "../../contracts/page.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";

export async function listJobs(
  { store, view }: { store: Pick<JobStore, "listJobs">; view: (row: JobRow) => Job },
  tenantId: TenantId,
  request: z.output<typeof ListJobs>,
): Promise<Page<Job>> {
  const { items, nextCursor } = await store.listJobs(tenantId, request);
  return { items: items.map(view), nextCursor };
}
