// Thousands of requests to every procedure and route of an edge, as its schemas say and beside them.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { edgeRouter } from "../../contracts/edge/router.ts";
import { uuidOf } from "../../contracts/ids.ts";
import { file } from "../../client/mod.ts";
import { fuzz } from "../support/bad-input/fuzz.ts";
import { headersOf, type RawRoute, requestsTo } from "../support/bad-input/requests.ts";
import { junk, type Pools } from "../support/bad-input/schema-values.ts";
import type { V2Target } from "../support/bad-input/v2-requests.ts";
import { v2Requests } from "../support/bad-input/v2-requests.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { greeting, quick } from "../support/fleet/workflows.ts";

const REQUESTS = 3_200;
const MIB = 1024 * 1024;

const segment = fc.string({ maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed()));

interface Prepared {
  pools: Pools;
  routes: RawRoute[];
  keys: string[];
  v2: Omit<V2Target, "headers">;
}

/** What exists in the fleet, so that a part of the requests gets beyond the first look-up. */
async function prepare({ client, baseUrl, apiKey }: TestFleet): Promise<Prepared> {
  const { outputs, job } = await client.run(quick());
  const asset = await client.assets.upload(file(new Blob(["some bytes"]), "some.txt"));
  const tenant = await client.trpc.tenants.create.mutate({ name: "another" });
  const other = await client.trpc.keys.create.mutate({ tenantId: tenant.id });
  const victim = await client.trpc.keys.create.mutate({ name: "to be revoked" });
  const [pod] = (await client.trpc.pods.list.query({})).items;
  const assets = [asset.id, outputs[0]?.assetId ?? asset.id];
  const workflows = fc.oneof(
    fc.constant(greeting()),
    fc.integer({ max: 0xffffff }).map((color) => {
      const graph = quick();
      Object.assign(graph["1"]?.inputs ?? {}, { color });
      return graph;
    }),
    fc.dictionary(
      fc.constantFrom("1", "2", "constructor"),
      fc.oneof(
        junk,
        fc.record({
          class_type: fc.constantFrom("EmptyImage", "No", "toString"),
          inputs: fc.dictionary(fc.string(), junk, { maxKeys: 3 }),
        }),
      ),
    ),
  );
  const pools: Pools = {
    jobId: fc.constantFrom(job.id, "job_00000000000000000000000000"),
    assetId: fc.constantFrom(...assets, "asset_00000000000000000000000000"),
    podId: fc.constantFrom(pod?.id ?? "", "pod_00000000000000000000000000"),
    keyId: fc.constantFrom(victim.id, "key_00000000000000000000000000"),
    tenantId: fc.constantFrom(tenant.id, "tenant_00000000000000000000000000"),
    service: fc.constantFrom("fastwan2.2-5b", "", "__proto__", "no-such"),
    workflow: workflows,
    waitMs: fc.constantFrom(0, 50, 25_001, -1, 0.5),
    cursor: fc.oneof(fc.constantFrom("", "0", "!", "e30", "////"), fc.base64String(), fc.string({ unit: "binary" })),
    idempotencyKey: fc.constantFrom("one", "two", "\0", "\ud800"),
    image: fc.record({ __type: fc.constant("core/ASSET"), info: fc.record({ id: fc.constantFrom(...assets) }) }),
  };
  const content = fc.oneof(fc.constantFrom(...assets), segment).map((id) => `/v1/assets/${id}/content`);
  const name = fc.oneof(segment, fc.constantFrom("a.png", "..", "a%2Fb", "%00", "%E0%80%80", "%zz", "CON"));
  const routes = [
    { methods: ["GET", "HEAD"], path: content },
    { methods: ["POST"], path: name.map((name) => `/v1/assets?name=${name}`) },
    { methods: ["GET"], path: fc.constantFrom("/livez", "/readyz", "/healthz", "/", "/v1", "/v1/assets", "/trpc") },
    { methods: ["GET"], path: fc.constant("/metrics") },
    {
      methods: ["GET", "POST"],
      path: fc.record({
        procedure: fc.oneof(
          fc.constantFrom("comfy.status", "comfy.logs", "comfy.free", "gpu.sample", "gpu.verdict", "pod.describe"),
          fc.constantFrom("pod.beat", "attempts.get", "attempts.start", "comfy.status,gpu.verdict", "comfy"),
          segment,
        ),
        query: fc.oneof(
          fc.constant(""),
          fc.string({ maxLength: 100 }).map((text) => `?input=${encodeURIComponent(text)}`),
        ),
      }).map(({ procedure, query }) => `/pods/${pod?.id}/trpc/${procedure}${query}`),
    },
    { methods: ["GET", "POST"], path: fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`) },
  ];
  const shown = await ask(`${baseUrl}/api/v2/assets/${uuidOf(asset.id)}`, { key: apiKey });
  const { url } = z.object({ url: z.url() }).parse(JSON.parse(shown.text));
  const v2: Prepared["v2"] = {
    jobs: [uuidOf(job.id)],
    assets: [uuidOf(asset.id), ...outputs.map(({ assetId }) => uuidOf(assetId))],
    link: new URL(url).search.slice(1),
    pools: {
      workflow: workflows,
      hash: fc.constantFrom(`blake3:${asset.blake3}`, `blake3:${"0".repeat(64)}`, "blake3:"),
    },
  };
  return { pools, routes, keys: [other.key], v2 };
}

describe.each(EDGE_RUNTIMES)("bad input to the edge on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    fleet = await startTestFleet({ runtime });
  });
  afterAll(async () => await fleet?.[Symbol.asyncDispose]());

  it(`${REQUESTS} requests: no internal error, no hang, no crash, every refusal typed, nothing leaked`, async () => {
    const { pools, routes, keys: [other = ""], v2 } = await prepare(fleet);
    const pid = fleet.edge.pid;
    const authorizations = [`Bearer ${fleet.apiKey}`, `Bearer ${other}`, "Bearer cfl_x_y", "Basic eDp5"] as const;
    const report = await fuzz({
      ...{ baseUrl: fleet.baseUrl, pid, count: REQUESTS, deadlineMs: 10_000, withinMs: 90_000 },
      requests: requestsTo({
        ...{ router: edgeRouter, routes, pools, authorizations: [...authorizations] },
        others: v2Requests({ ...v2, headers: headersOf({ authorizations: [...authorizations] }) }),
      }),
      secretFolder: fleet.dataDir,
    });
    console.log(`${runtime}: ${JSON.stringify({ ...report, problems: report.problems.length })}`);
    expect(report.problems.slice(0, 10)).toEqual([]);
    expect(report.sent).toBe(REQUESTS);
    // Both ways out were seen, often.
    expect(report.statuses[200]).toBeGreaterThan(100);
    expect(report.statuses[400]).toBeGreaterThan(100);
    expect(report.handlesMore).toBeLessThanOrEqual(16);
    expect(report.residentMoreBytes).toBeLessThan(250 * MIB);
    expect(fleet.edge.pid).toBe(pid);
    expect((await ask(`${fleet.baseUrl}/readyz`)).status).toBe(200);
    // An administrator's key may have cordoned it.
    for (const { id } of (await fleet.client.trpc.pods.list.query({})).items) {
      await fleet.client.trpc.pods.uncordon.mutate({ podId: id });
    }
    const { outputs } = await fleet.client.run(quick(), {}, { signal: AbortSignal.timeout(30_000) });
    expect(outputs).toHaveLength(1);
    expect(fleet.edge.log()).not.toMatch(/"(?:procedure|request) failed"/);
  }, 150_000);
});
