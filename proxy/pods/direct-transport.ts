/**
 * The `direct` transport: plain HTTP(S) to a known address with a shared bearer secret. The only file that sees a pod's
 * URL; it never appears in an error, so that a log or an answer cannot carry it out.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { AgentFetch, AgentTransport } from "./port.ts";
import type { DirectTarget } from "./registry.ts";

/** Refused connects carry `details.sent = false`: nothing of the request has reached the agent. */
function unreachable(cause: unknown): FleetError {
  const sent = !isRefused(cause);
  return new FleetError("agent_unreachable", "Cannot reach the agent: the connection failed", {
    hint: "Check that the pod runs and that its address in EDGE_PODS is right.",
    details: { sent },
    cause,
  });
}

function isRefused(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 4) return false;
  if ("code" in error && error.code === "ECONNREFUSED") return true;
  return /connection refused/i.test(error.message) || isRefused(error.cause, depth + 1);
}

/** @param options.pods is read at every call, so that pods may come and go */
export function createDirectTransport(
  options: { pods: ReadonlyMap<PodId, DirectTarget>; fetch: AgentFetch },
): AgentTransport {
  return {
    async fetch(podId, path, init = {}) {
      const target = options.pods.get(podId);
      if (!target) {
        throw new FleetError("agent_unreachable", "Cannot reach the agent: this edge has no way to the pod", {
          hint: "Add the pod to EDGE_PODS.",
          details: { sent: false },
        });
      }
      // Behind the whole origin and a slash, where no path can name another host to take the secret to.
      const url = new URL(`${new URL(target.url).origin}/${path.replace(/^\//, "")}`);
      const headers = { ...init.headers, authorization: `Bearer ${target.secret}` };
      try {
        return await options.fetch(url, { ...init, headers, redirect: "manual" });
      } catch (error) {
        if (init.signal?.aborted) throw error;
        if (FleetError.is(error) && error.code !== "agent_unreachable") throw error;
        throw unreachable(error);
      }
    },
  };
}
