import superjson from "superjson";
import { describe, expect, it } from "vitest";
import type { Caller } from "../../../../contracts/tenant.ts";
import { newTrace } from "../../../../contracts/telemetry/trace-context.ts";
import { createTrpcHandler, type TrpcOptions } from "../../../../proxy/http/trpc.ts";
import { jobId } from "../jobs/ids.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { refusal } from "./pass-through-fixture.ts";

const CALLER: Caller = {
  keyId: "key_00000000000000000000000001",
  tenantId: "tenant_00000000000000000000000001",
  scopes: ["jobs:read"],
};

/** An edge whose job never ends: a read is held until its signal aborts or the test says so. */
function setUp() {
  const stop = new AbortController();
  const key = { active: true };
  const release = Promise.withResolvers<void>();
  const get = async (_caller: Caller, _input: unknown, signal: AbortSignal) => {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([release.promise, aborted]);
    return { id: jobId(1) };
  };
  const handler = createTrpcHandler({
    ports: { jobs: { get } },
    maxWorkflowBytes: 1_000,
    stopping: stop.signal,
    isActive: () => Promise.resolve(key.active),
    clock: { sleep: () => Promise.resolve() },
    logger: silentLogger,
  } as unknown as TrpcOptions);
  const facts = { requestId: "req-1", trace: newTrace() };
  const input = encodeURIComponent(JSON.stringify(superjson.serialize({ jobId: jobId(1), waitMs: 20_000 })));
  const answer = handler(new Request(`http://edge/trpc/jobs.get?input=${input}`), CALLER, facts);
  return { stop, key, release: release.resolve, answer };
}

describe("jobs.get with waitMs", () => {
  it("tells nothing to a key that was revoked while the read was held", async () => {
    const { key, release, answer } = setUp();
    key.active = false;
    release();
    expect(await refusal(await answer)).toMatchObject({ status: 401, code: "unauthorized" });
  });

  it("ends when the edge stops", async () => {
    const { stop, answer } = setUp();
    await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    expect((await answer).status).toBeGreaterThan(0);
  });
});
