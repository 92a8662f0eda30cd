/** The edge's own place on the tailnet as a component of `/healthz`: the worst line of the checks decides. Pure. */
import type { TailnetCheck } from "../../contracts/tailnet/report.ts";
import type { ComponentHealth } from "./pod-health.ts";

export function tailnetHealth(checks: readonly TailnetCheck[]): ComponentHealth {
  const name = "tailnet";
  const wrong = checks.find(({ status }) => status === "failed");
  if (wrong) return { name, status: "failing", message: wrong.message, fix: wrong.fix };
  // What is connected goes on without a control server.
  const doubtful = checks.find(({ status }) => status === "warning");
  if (doubtful) return { name, status: "ok", message: doubtful.message, fix: doubtful.fix };
  return { name, status: "ok", message: checks[0]?.message ?? "", fix: null };
}
