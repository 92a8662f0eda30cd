/** Enrolment through an edge where there is no tailnet: what it refuses and why, and what it keeps to itself. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet, type Fleet } from "../../client/mod.ts";
import { jsonLines, runCli } from "../support/fleet/cli.ts";
import { startTestEdge, type TestEdge } from "../support/fleet/edge.ts";
import { EDGE_RUNTIMES } from "../support/fleet/fleet.ts";
import { type HeadscaleStandIn, headscaleStandIn } from "../support/tailnet/headscale-stand-in.ts";

const UNKNOWN = "pod_01jd8qf2e0f0x8j3m5p7q9s1tv";

function clientOf({ baseUrl, apiKey }: TestEdge): Fleet {
  return createFleet({ baseUrl, apiKey });
}

function cli({ baseUrl, apiKey, dataDir }: TestEdge, ...args: string[]) {
  return runCli(args, { cwd: dataDir, env: { COMFYFLEET_URL: baseUrl, COMFYFLEET_KEY: apiKey } });
}

describe.each(EDGE_RUNTIMES)("an edge on %s without a control server", (runtime) => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startTestEdge({ runtime });
    await edge.waitReady();
  });
  afterAll(() => edge[Symbol.asyncDispose]());

  it("enrolls nobody and says what to set, and the audit has the refusal", async () => {
    const result = await cli(edge, "pods", "enroll", "--json");
    expect(result.code).toBe(1);
    expect(jsonLines(result)).toMatchObject([
      { ok: false, error: { code: "conflict", hint: expect.stringContaining("HEADSCALE_API_KEY") } },
    ]);
    const audit = await clientOf(edge).call((trpc) => trpc.audit.list.query({}));
    expect(audit.items[0]).toMatchObject({ action: "pods.enroll", target: null, outcome: "conflict" });
  });

  it("removes no pod that there is not, and has no tailnet to look at", async () => {
    const { call } = clientOf(edge);
    const removal = call((trpc) => trpc.pods.remove.mutate({ podId: UNKNOWN }));
    await expect(removal).rejects.toMatchObject({ code: "not_found" });
    expect((await cli(edge, "pods", "remove", "nobody")).code).toBe(4);
    const check = await cli(edge, "tailnet", "check");
    expect(check.code).toBe(1);
    expect(check.stderr).toContain("up --tailnet");
  });

  it.each([
    [["pods", "enroll", "--ttl", "5d"], "60s to 24h"],
    [["pods", "enroll", "--count", "101"], "1 to 100"],
    [["up", "--tailnet", "--comfyui", "fake", "--ts-auth-key", "tskey-auth-x"], "file:PATH"],
    [["--pod", "http://pod", "pods", "get"], "no host name"],
  ])("%j is a wrong use", async (args, said) => {
    const result = await cli(edge, ...args);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(said);
  });

  it("agent health and agent doctor say that no agent is there", async () => {
    for (const name of ["health", "doctor"]) {
      const result = await cli(edge, "agent", name, "--json");
      expect(result.code).toBe(1);
      expect(jsonLines(result)).toMatchObject([
        { ok: false, error: { code: "agent_unreachable", hint: expect.stringContaining("--state") } },
      ]);
    }
  });
});

describe.each(EDGE_RUNTIMES)("an edge on %s with a control server", (runtime) => {
  let control: HeadscaleStandIn;
  let edge: TestEdge;

  async function start(env: Record<string, string>): Promise<TestEdge> {
    const api = { HEADSCALE_URL: control.url, HEADSCALE_API_KEY: control.apiKey };
    const started = await startTestEdge({ runtime, env: { ...api, LOG_LEVEL: "debug", ...env } });
    await started.waitReady();
    return started;
  }

  beforeAll(async () => {
    control = await headscaleStandIn();
    edge = await start({});
  });
  afterAll(async () => {
    await edge[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });

  it("enrolls nobody while it is on no tailnet, where it would meet them", async () => {
    const asked = clientOf(edge).call((trpc) => trpc.pods.enroll.mutate({}));
    await expect(asked).rejects.toMatchObject({ code: "conflict", hint: expect.stringContaining("TS_SOCKET") });
    expect(control.keys.size).toBe(0);
  });

  it("on one it shows each key once, and keeps none; the audit names the pods", async () => {
    await edge[Symbol.asyncDispose]();
    // No daemon answers there: the edge goes on without, and enrolment needs none.
    edge = await start({ TS_SOCKET: "/nowhere/tailscaled.sock" });
    const fleet = clientOf(edge);
    const { pods } = await fleet.call((trpc) => trpc.pods.enroll.mutate({ count: 2, dev: true }));
    expect(pods.map(({ key }) => key)).toEqual([...control.keys.values()].map(({ key }) => key));
    expect([...control.keys.values()]).toMatchObject([{ tags: ["tag:dev-pod"] }, { tags: ["tag:dev-pod"] }]);

    const listed = await fleet.call((trpc) => trpc.pods.list.query({}));
    expect(listed.items).toMatchObject([{ phase: "joining", dev: true }, { phase: "joining", dev: true }]);
    const removed = await cli(edge, "pods", "remove", pods[0]?.name ?? "");
    expect(removed.stdout).toContain("its key is revoked");
    const audit = await fleet.call((trpc) => trpc.audit.list.query({}));
    expect(audit.items.map(({ action, target }) => [action, target])).toEqual([
      ["pods.remove", pods[0]?.podId],
      ["pods.enroll", pods.map(({ podId }) => podId).join(" ")],
    ]);

    const folder = join(edge.dataDir, "edge");
    const files = readdirSync(folder).filter((name) => name.startsWith("edge.db"));
    const kept = files.map((name) => readFileSync(join(folder, name), "latin1")).join() + edge.process.log();
    expect(kept).toContain(pods[0]?.podId);
    expect(kept).not.toContain("hskey-auth");
    expect(kept).not.toContain(control.apiKey);
  });

  it("awaits pods without calling it trouble", async () => {
    const doctor = await cli(edge, "doctor", "--json");
    const [line] = jsonLines(doctor) as [{ data: { checks: { name: string; status: string }[] } }];
    const awaited = line.data.checks.filter(({ name }) => name.startsWith("pod pod-"));
    expect(awaited.map(({ status }) => status)).toEqual(["skipped"]);
    expect((await cli(edge, "pods", "ls")).stdout).toMatch(/joining .* for development; awaited/);
  });
});
