/** An older ComfyUI: it has the queue and the history, and no jobs. */
import { type Fault, refusesAll } from "./fault.ts";

const JOBS_PATH = /^\/api\/jobs(\/|$)/;

export const noJobsApi: Fault = {
  name: "no-jobs-api",
  summary: "/api/jobs and all below it are no routes, as in versions before 0.5",
  refuses: refusesAll,
  hides: (path) => JOBS_PATH.test(path),
};
