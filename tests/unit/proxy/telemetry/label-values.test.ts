import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentRouter } from "../../../../contracts/agent/router.ts";
import { edgeRouter } from "../../../../contracts/edge/router.ts";
import { routeName } from "../../../../proxy/http/route-name.ts";
import { procedureOf } from "../../../../proxy/telemetry/observed-transport.ts";

const AGENT = Object.keys(agentRouter._def.procedures);
const POD_ROUTES = AGENT.map((name) => `pod:${name}`);
const ROUTES = [
  ...Object.keys(edgeRouter._def.procedures),
  ...POD_ROUTES,
  "healthz",
  "assets.upload",
  "assets.download",
  ...["submit", "list", "get", "events", "workflow", "cancel"].map((name) => `v2.jobs.${name}`),
  ...["upload", "from-hash", "by-hash", "get", "delete", "content"].map((name) => `v2.assets.${name}`),
  "other",
];
const PROCEDURES = [
  ...AGENT,
  "inputs.put",
  "outputs.get",
  "object_info.get",
  "other",
];

const path = fc.oneof(
  fc.webPath(),
  fc.constantFrom(
    "/trpc/",
    "/v1/assets/",
    "/pods/pod_1/trpc/",
    "/inputs/",
    "/attempts/",
    "/object-info/",
    "/api/v2/jobs/",
    "/api/v2/assets/",
  ).chain((prefix) => fc.string().map((rest) => prefix + rest)),
);

describe("routeName()", () => {
  it("names routes without their ids", () => {
    expect(routeName("POST", "/trpc/jobs.submit")).toBe("jobs.submit");
    expect(routeName("POST", "/v1/assets")).toBe("assets.upload");
    expect(routeName("GET", "/v1/assets/asset_01jd8qf2e0f0x8j3m5p7q9s1tv/content")).toBe("assets.download");
    expect(routeName("GET", "/pods/pod_01jd8qf2e0f0x8j3m5p7q9s1tv/trpc/gpu.sample")).toBe("pod:gpu.sample");
    expect(routeName("GET", "/pods/pod_1/trpc/gpu.nothing")).toBe("other");
    expect(routeName("GET", "/trpc/jobs.submit,jobs.get")).toBe("other");
  });

  it("names the routes of the Comfy API v2", () => {
    const id = "01890000-0000-7000-8000-000000000001";
    const named = [
      ["POST", "/api/v2/jobs", "v2.jobs.submit"],
      ["GET", "/api/v2/jobs", "v2.jobs.list"],
      ["GET", `/api/v2/jobs/${id}`, "v2.jobs.get"],
      ["GET", `/api/v2/jobs/${id}/events`, "v2.jobs.events"],
      ["GET", `/api/v2/jobs/${id}/workflow`, "v2.jobs.workflow"],
      ["POST", `/api/v2/jobs/${id}/cancel`, "v2.jobs.cancel"],
      ["POST", "/api/v2/assets", "v2.assets.upload"],
      ["POST", "/api/v2/assets/from-hash", "v2.assets.from-hash"],
      ["HEAD", "/api/v2/assets/by-hash/blake3%3Aab", "v2.assets.by-hash"],
      ["GET", `/api/v2/assets/${id}`, "v2.assets.get"],
      ["DELETE", `/api/v2/assets/${id}`, "v2.assets.delete"],
      ["GET", `/api/v2/assets/${id}/content`, "v2.assets.content"],
      ["GET", `/api/v2/jobs/${id}/constructor`, "other"],
      ["GET", `/api/v2/jobs/${id}/events/x`, "other"],
    ] as const;
    for (const [method, path, name] of named) expect(routeName(method, path)).toBe(name);
  });

  it("is one of few, whatever is asked for", () => {
    fc.assert(fc.property(path, (asked) => ROUTES.includes(routeName("GET", asked))));
  });
});

describe("procedureOf()", () => {
  it("names calls without their ids and queries", () => {
    expect(procedureOf("/trpc/attempts.start")).toBe("attempts.start");
    expect(procedureOf("/trpc/attempts.get?input=%7B%7D")).toBe("attempts.get");
    expect(procedureOf(`/inputs/${"a".repeat(64)}`)).toBe("inputs.put");
    expect(procedureOf("/attempts/att_x/outputs/0")).toBe("outputs.get");
  });

  it("names the routes of the Comfy API v2", () => {
    const id = "01890000-0000-7000-8000-000000000001";
    const named = [
      ["POST", "/api/v2/jobs", "v2.jobs.submit"],
      ["GET", "/api/v2/jobs", "v2.jobs.list"],
      ["GET", `/api/v2/jobs/${id}`, "v2.jobs.get"],
      ["GET", `/api/v2/jobs/${id}/events`, "v2.jobs.events"],
      ["GET", `/api/v2/jobs/${id}/workflow`, "v2.jobs.workflow"],
      ["POST", `/api/v2/jobs/${id}/cancel`, "v2.jobs.cancel"],
      ["POST", "/api/v2/assets", "v2.assets.upload"],
      ["POST", "/api/v2/assets/from-hash", "v2.assets.from-hash"],
      ["HEAD", "/api/v2/assets/by-hash/blake3%3Aab", "v2.assets.by-hash"],
      ["GET", `/api/v2/assets/${id}`, "v2.assets.get"],
      ["DELETE", `/api/v2/assets/${id}`, "v2.assets.delete"],
      ["GET", `/api/v2/assets/${id}/content`, "v2.assets.content"],
      ["GET", `/api/v2/jobs/${id}/constructor`, "other"],
      ["GET", `/api/v2/jobs/${id}/events/x`, "other"],
    ] as const;
    for (const [method, path, name] of named) expect(routeName(method, path)).toBe(name);
  });

  it("is one of few, whatever is called", () => {
    fc.assert(fc.property(path, (called) => PROCEDURES.includes(procedureOf(called))));
  });
});
