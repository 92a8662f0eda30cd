/** The words for a job that only pods with unhealthy GPUs could take. Pure. */
import type { Waiting } from "../../contracts/job.ts";
import type { PlannedPod } from "./pod-groups.ts";

/** Null while some pod of these has a GPU that may get work. */
export function allUnhealthy(pods: readonly PlannedPod[]): Waiting | null {
  const [first] = pods;
  if (!first || pods.some(({ gpu }) => gpu.state !== "unhealthy")) return null;
  const why = first.gpu.why === null ? "" : ` ${first.gpu.why}`;
  const message = pods.length === 1
    ? `The only pod that could run it, '${first.name}', has an unhealthy GPU and gets no work.${why}`
    : `All ${pods.length} pods that could run it have unhealthy GPUs and get no work; of '${first.name}':${why}`;
  return { reason: "pods_unhealthy", message: message.replace(/:$/, ".") };
}
