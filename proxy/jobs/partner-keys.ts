/** The partner keys of jobs as the store keeps them: sealed with the edge's secret, until their job is final. */
import { FleetError } from "../../contracts/errors.ts";
import type { JobError } from "../../contracts/job.ts";
import { type PartnerKey, redactText, redactValue } from "../../contracts/partner-key.ts";
import type { SealedBox } from "../secrets/sealed-box.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";

export interface PartnerKeys {
  /**
   * The key that an unfinished job came with; null for a job without one, at no cost.
   * @throws FleetError `internal` when it cannot be opened
   */
  of(job: Pick<JobRow, "id" | "hasPartnerKey">): Promise<PartnerKey | null>;
}

export function createPartnerKeys(
  { store, box }: { store: Pick<JobStore, "getSealedKey">; box: Pick<SealedBox, "open"> },
): PartnerKeys {
  return {
    async of({ id, hasPartnerKey }) {
      if (!hasPartnerKey) return null;
      const sealed = await store.getSealedKey(id);
      const key = sealed === null ? null : box.open(sealed, id);
      if (key !== null) return key;
      throw new FleetError("internal", "Cannot run the job: the partner key that it came with cannot be opened", {
        hint:
          "Submit it again with its key. Edges on one store need the same EDGE_SECRET_KEY, and a new one opens nothing old.",
        retryable: false,
      });
    },
  };
}

/** What an agent said about a job with this key, without it. */
export function errorWithoutKey(error: FleetError, key: PartnerKey | null): FleetError {
  if (key === null) return error;
  const { code, message, hint, details, retryable } = error;
  return new FleetError(code, redactText(message, [key]), {
    hint: hint === undefined ? undefined : redactText(hint, [key]),
    details: details === undefined ? undefined : redactValue(details, [key]),
    retryable,
  });
}

/**
 * The agent takes the key out of errors itself, unless it was started anew meanwhile.
 * @throws what the store throws; an error about a key that cannot be opened stays as it is
 */
export async function jobErrorWithoutKey(
  keys: PartnerKeys,
  job: Pick<JobRow, "id" | "hasPartnerKey"> | null,
  error: JobError,
): Promise<JobError> {
  if (!job?.hasPartnerKey) return error;
  try {
    const key = await keys.of(job);
    return key === null ? error : redactValue(error, [key]);
  } catch (cause) {
    if (FleetError.is(cause)) return error;
    throw cause;
  }
}
