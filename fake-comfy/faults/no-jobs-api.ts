/** An older ComfyUI: it has the queue and the history, and no jobs. */
import type { Fault } from "./fault.ts";

const JOBS_PATH = /^\/api\/jobs(\/|$)/;

export const noJobsApi: Fault = {
  name: "no-jobs-api",
  summary: "/api/jobs and all below it are no routes, as in versions before 0.5",
  refuses: (argument) => argument === null ? null : "it takes no argument",
  hides: (path) => JOBS_PATH.test(path),
};
