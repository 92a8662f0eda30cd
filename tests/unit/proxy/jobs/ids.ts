// Ids that a failing test can be read by.
import type { AttemptId, BootId, EdgeId, JobId, PodId, TenantId } from "../../../../contracts/ids.ts";

function suffix(n: number): string {
  return `0000000000000000000000${String(n).padStart(4, "0")}`;
}

export const jobId = (n: number): JobId => `job_${suffix(n)}`;
export const attemptId = (n: number): AttemptId => `att_${suffix(n)}`;
export const podId = (n: number): PodId => `pod_${suffix(n)}`;
export const tenantId = (n: number): TenantId => `tenant_${suffix(n)}`;
export const edgeId = (n: number): EdgeId => `edge_${suffix(n)}`;
export const bootId = (n: number): BootId => `boot_${suffix(n)}`;
