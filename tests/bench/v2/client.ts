/** A client of the Comfy API v2 that runs one job from start to end, and what it says of it. */
import type { SdkTarget } from "../../support/sdk/connect.ts";
import type { Workflow } from "../../../contracts/workflow.ts";

export interface JobOutcome {
  /** From before the submit until the first output's bytes are here. */
  wallMs: number;
  /** The terminal state that it saw, or the code of the error that it was given instead. */
  state: string;
  /** Of the first output; 0 where there is none. */
  sizeBytes: number;
}

export interface V2Client extends AsyncDisposable {
  /** Rejects only where nothing can be measured. */
  run(graph: Workflow): Promise<JobOutcome>;
}

export type ConnectV2 = (target: SdkTarget) => V2Client | Promise<V2Client>;

/** Every job of the benchmark is a good one. */
export function isFalse({ state, sizeBytes }: JobOutcome): boolean {
  return state !== "succeeded" || sizeBytes === 0;
}
