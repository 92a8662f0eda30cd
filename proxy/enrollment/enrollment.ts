/** Enrolment as the rest of the edge uses it. */
import type { PodsPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { TailnetCheck } from "../../contracts/tailnet/report.ts";
import { checkControl, type CheckOptions, SET_CONTROL } from "./checks.ts";
import { type EnrollOptions, enrollPods } from "./enroll.ts";
import type { ControlApi } from "./port.ts";
import { type RemoveOptions, removePod } from "./remove.ts";
import { keepSweepingEnrolments, type SweepOptions } from "./sweep.ts";

export interface Enrollment {
  acts: Pick<PodsPort, "enroll" | "remove">;
  /** Lines for `tailnet.status`; rejects with nothing but the signal's reason. */
  checks(signal: AbortSignal): Promise<TailnetCheck[]>;
  /** Resolves when the signal aborts; never rejects. */
  keepSweeping(signal: AbortSignal): Promise<void>;
}

export interface EnrollmentOptions
  extends
    Omit<EnrollOptions, "control" | "store">,
    Omit<RemoveOptions, "requireControl" | "store">,
    Omit<SweepOptions, "store">,
    Omit<CheckOptions, "store"> {
  store: EnrollOptions["store"] & RemoveOptions["store"] & SweepOptions["store"];
  control: ControlApi | null;
  /** Whether this edge would see the pods that join. */
  isOnTailnet: boolean;
}

function requireTailnet(isOnTailnet: boolean): void {
  if (isOnTailnet) return;
  throw new FleetError("conflict", "Cannot enroll pods: this edge is on no tailnet, where it would meet them", {
    hint: "Start it with 'comfyfleet up --tailnet', or name the socket of its tailscaled in TS_SOCKET.",
  });
}

export function createEnrollment(options: EnrollmentOptions): Enrollment {
  function requireControl(what: string): ControlApi {
    if (options.control !== null) return options.control;
    throw new FleetError("conflict", `Cannot ${what}: this edge has no control server's API`, { hint: SET_CONTROL });
  }

  return {
    acts: {
      // Async, so that it rejects and does not throw.
      async enroll(input, signal) {
        const control = requireControl("enroll pods");
        requireTailnet(options.isOnTailnet);
        return await enrollPods({ ...options, control }, input, signal);
      },
      remove: (input, signal) =>
        removePod({ ...options, requireControl: () => requireControl("remove the pod's device") }, input, signal),
    },
    checks: (signal) => checkControl(options, signal),
    keepSweeping: (signal) => keepSweepingEnrolments(options, signal),
  };
}
