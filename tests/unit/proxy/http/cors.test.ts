import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../../../proxy/http/app.ts";
import type { CorsOrigins } from "../../../../proxy/http/cors.ts";
import type { Caller } from "../../../../contracts/tenant.ts";
import { createEdgeMetrics } from "../../../../proxy/telemetry/edge-metrics.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";

const PAGE = "https://app.example.com";
const caller: Caller = { keyId: "key_x", tenantId: "tenant_x", scopes: ["assets:read"] } as unknown as Caller;

function appWith(corsOrigins: CorsOrigins) {
  const authenticate = vi.fn((authorization: string | null) => Promise.resolve(authorization === null ? null : caller));
  const bytes = () => new Response("bytes", { headers: { vary: "authorization", etag: '"a"' } });
  const app = createApp({
    authenticate,
    trpc: () => Promise.resolve(new Response("{}")),
    pods: () => Promise.reject(new Error("unused")),
    v2: () => Promise.reject(new Error("unused")),
    assets: { upload: () => Promise.reject(new Error("unused")), download: () => Promise.resolve(bytes()) },
    health: { ready: () => Promise.resolve({ ready: true, status: "ready" }), components: () => Promise.resolve([]) },
    corsOrigins,
    logger: silentLogger,
    stopping: new AbortController().signal,
    clock: createManualClock(),
    metrics: createEdgeMetrics(),
    readGauges: () => Promise.resolve(),
    record: null,
  });
  const ask = (path: string, headers: Record<string, string>, method = "GET") =>
    Promise.resolve(app.fetch(new Request(`http://edge${path}`, { method, headers })));
  return { ask, authenticate };
}

const preflight = {
  origin: PAGE,
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization,content-type,traceparent",
};
const listed = (headers: Headers, name: string) => (headers.get(name) ?? "").toLowerCase().split(",");

describe("allowOrigins()", () => {
  it("answers a preflight of a named origin before authentication, without credentials mode", async () => {
    const { ask, authenticate } = appWith([PAGE]);
    const { status, headers } = await ask("/trpc/jobs.submit", preflight, "OPTIONS");
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe(PAGE);
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(listed(headers, "access-control-allow-methods")).toEqual(["get", "head", "post", "delete"]);
    const wanted =
      "authorization,content-type,trpc-accept,last-event-id,x-request-id,idempotency-key,idempotency-mode,prefer,range,traceparent";
    expect(listed(headers, "access-control-allow-headers")).toEqual(expect.arrayContaining(wanted.split(",")));
    expect(listed(headers, "access-control-allow-headers")).toContain("x-expected-sha256");
    expect(headers.get("vary")).toMatch(/origin/i);
    expect(authenticate).not.toHaveBeenCalled();
  });

  it("lets a page of a named origin read answers, errors too, and keeps what they vary on", async () => {
    const { ask } = appWith([PAGE]);
    const answer = await ask("/v1/assets/asset_x/content", { origin: PAGE, authorization: "Bearer k" });
    expect(await answer.text()).toBe("bytes");
    expect(answer.headers.get("access-control-allow-origin")).toBe(PAGE);
    expect(listed(answer.headers, "access-control-expose-headers")).toEqual([
      "x-request-id",
      "etag",
      "content-range",
      "retry-after",
      "preference-applied",
      "idempotency-replayed",
    ]);
    expect(answer.headers.get("vary")).toMatch(/authorization.*origin/i);
    const refusal = await ask("/v1/assets/asset_x/content", { origin: PAGE });
    expect(refusal.status).toBe(401);
    expect(refusal.headers.get("access-control-allow-origin")).toBe(PAGE);
  });

  it.each(["https://evil.example.com", "null", `${PAGE}.evil.example.com`, "http://app.example.com"])(
    "tells the origin %s nothing",
    async (origin) => {
      const { ask } = appWith([PAGE]);
      for (const method of ["OPTIONS", "GET"]) {
        const { headers } = await ask("/livez", { ...preflight, origin }, method);
        expect(headers.get("access-control-allow-origin")).toBeNull();
        expect(headers.get("vary")).toMatch(/origin/i);
      }
    },
  );

  it("allows any page with '*'", async () => {
    const { ask } = appWith("*");
    const { headers } = await ask("/livez", { origin: "null" });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("is off without origins: a preflight is an unknown path, and no answer names an origin", async () => {
    const { ask } = appWith([]);
    const refused = await ask("/v1/assets", preflight, "OPTIONS");
    expect(refused.status).toBe(404);
    const { headers } = await ask("/livez", { origin: PAGE });
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(headers.get("vary")).toBeNull();
  });
});
