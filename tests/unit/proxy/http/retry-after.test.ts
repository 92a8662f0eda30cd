import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { ErrorEnvelope, FleetError } from "../../../../contracts/errors.ts";
import { newTrace } from "../../../../contracts/telemetry/trace-context.ts";
import type { Caller } from "../../../../contracts/tenant.ts";
import { errorResponse } from "../../../../proxy/http/error-response.ts";
import { createTrpcHandler, type TrpcOptions } from "../../../../proxy/http/trpc.ts";
import { canvasGraph } from "../jobs/graph-fixtures.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { refusal } from "./pass-through-fixture.ts";

const CALLER: Caller = {
  keyId: "key_00000000000000000000000001",
  tenantId: "tenant_00000000000000000000000001",
  scopes: ["jobs:write"],
};

const full = (retryAfterMs?: number) => new FleetError("queue_full", "Cannot queue job: it is full", { retryAfterMs });

describe("retry-after", () => {
  it.each([[1, "1"], [1_000, "1"], [1_001, "2"], [5_000, "5"], [0, "1"]])(
    "says %i ms in whole seconds, rounded up, at least one",
    (ms, seconds) => expect(errorResponse(full(ms), "req").headers.get("retry-after")).toBe(seconds),
  );

  it("is 1 for a limit that does not say and a service that comes back, and absent where waiting helps nobody", () => {
    expect(errorResponse(full(), "req").headers.get("retry-after")).toBe("1");
    expect(errorResponse(new FleetError("not_found", "Cannot find it"), "req").headers.get("retry-after")).toBeNull();
    const stopping = new FleetError("edge_stopping", "Cannot take the request: this edge is stopping");
    expect(errorResponse(stopping, "req").headers.get("retry-after")).toBe("1");
  });

  it("travels in the envelope, beside other details", () => {
    const error = new FleetError("rate_limited", "Cannot", { retryAfterMs: 250, details: { limit: 5 } });
    const again = FleetError.fromEnvelope(ErrorEnvelope.parse(error.toEnvelope()));
    expect([error.retryAfterMs, again.retryAfterMs, again.details]).toEqual([250, 250, {
      limit: 5,
      retryAfterMs: 250,
    }]);
    expect(again.retryable).toBe(true);
  });

  it("is in tRPC's answers too, with 429", async () => {
    const handler = createTrpcHandler({
      ports: { jobs: { submit: () => Promise.reject(full(2_500)) } },
      maxWorkflowBytes: 10_000,
      stopping: new AbortController().signal,
      isActive: () => Promise.resolve(true),
      clock: { sleep: () => Promise.resolve() },
      logger: silentLogger,
    } as unknown as TrpcOptions);
    const body = JSON.stringify(superjson.serialize({ spec: { kind: "workflow", workflow: canvasGraph() } }));
    const headers = { "content-type": "application/json" };
    const request = new Request("http://edge/trpc/jobs.submit", { method: "POST", headers, body });
    const response = await handler(request, CALLER, { requestId: "req-1", trace: newTrace() });
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await refusal(response)).toMatchObject({ status: 429, code: "queue_full" });
  });
});
