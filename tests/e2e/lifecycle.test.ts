/** Start, stop, configuration and logs of an edge process, on both runtimes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createFleet } from "../../client/mod.ts";
import { collect, reached, states } from "../support/fleet/events.ts";
import { planEdge, startTestEdge, type TestEdge } from "../support/fleet/edge.ts";
import { EDGE_RUNTIMES, startTestFleet } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { until } from "../support/fleet/until.ts";
import { slow } from "../support/fleet/workflows.ts";

const LogLine = z.looseObject({ at: z.iso.datetime(), level: z.string(), component: z.string(), msg: z.string() });

function jsonLines(log: string) {
  return log.trim().split("\n").map((line) => LogLine.parse(JSON.parse(line)));
}

describe.each(EDGE_RUNTIMES)("an edge process on %s", (runtime) => {
  describe("alone", () => {
    let edge: TestEdge;
    beforeAll(async () => {
      edge = await startTestEdge({ runtime });
      await edge.waitReady();
    });
    afterAll(() => edge[Symbol.asyncDispose]());

    it("answers /livez and /readyz to anyone, /healthz to who may see pods", async () => {
      expect(await ask(`${edge.baseUrl}/livez`)).toMatchObject({ status: 200, text: "ok" });
      expect(await ask(`${edge.baseUrl}/readyz`)).toMatchObject({ status: 200, text: '{"status":"ready"}' });
      expect((await ask(`${edge.baseUrl}/healthz`)).error?.code).toBe("unauthorized");
      const admin = createFleet({ baseUrl: edge.baseUrl, apiKey: edge.apiKey });
      const { key } = await admin.trpc.keys.create.mutate({});
      expect((await ask(`${edge.baseUrl}/healthz`, { key })).status).toBe(403);
      const health = await ask(`${edge.baseUrl}/healthz`, { key: edge.apiKey });
      expect(JSON.parse(health.text)).toMatchObject({
        status: "failing",
        components: [{ name: "store", status: "ok", fix: null }, {
          name: "pods",
          fix: expect.stringMatching(/EDGE_PODS/),
        }],
      });
    });

    it("writes JSON lines: one a request, with its id, and no key in any", async () => {
      const headers = { "x-request-id": "find-me" };
      await ask(`${edge.baseUrl}/trpc/jobs.list?input=%7B%22json%22%3A%7B%7D%7D`, { key: edge.apiKey, headers });
      await ask(`${edge.baseUrl}/nowhere`, { key: edge.apiKey });
      // Lines come a few milliseconds after the answer, in order.
      const lines = await until("the last request's line", () => {
        const written = jsonLines(edge.process.log());
        return Promise.resolve(written.some(({ path }) => path === "/nowhere") ? written : null);
      });
      const mine = lines.filter(({ requestId }) => requestId === "find-me");
      expect(mine).toEqual([expect.objectContaining({
        level: "info",
        msg: "request",
        method: "GET",
        path: "/trpc/jobs.list",
        status: 200,
        tookMs: expect.any(Number),
        tenant: expect.stringMatching(/^tenant_/),
      })]);
      expect(lines.find(({ path }) => path === "/nowhere")).toMatchObject({ status: 404 });
      expect(lines.some(({ path }) => path === "/livez" || path === "/readyz")).toBe(false);
      expect(edge.process.log()).not.toContain(edge.apiKey);
    });

    it("refuses a second edge on its data folder, with words that say why, and goes on", async () => {
      await using second = await startTestEdge({ runtime, dataDir: edge.dataDir });
      expect(await second.process.ended()).toBe(1);
      expect(second.process.log()).toMatch(/Cannot open the store .*: another edge is using it\n {2}\S/);
      expect((await ask(`${edge.baseUrl}/readyz`)).status).toBe(200);
    });

    it("says that its port is taken, and ends", async () => {
      const address = new URL(edge.baseUrl).host;
      await using second = await startTestEdge({ runtime, env: { EDGE_LISTEN: address } });
      expect(await second.process.ended()).toBe(1);
      expect(second.process.log()).toMatch(/Cannot start the edge: .*in use/i);
    });
  });

  it("ends within two seconds of SIGTERM with streams open, with code 0, and its job goes on", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
    const job = fleet.client.run(slow(150));
    const { id } = await job.submitted;
    const watched = collect(job.watch());
    const input = encodeURIComponent(JSON.stringify({ json: { jobId: id } }));
    const raw = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${fleet.baseUrl}/trpc/jobs.watch?input=${input}`, {
          headers: { authorization: `Bearer ${fleet.apiKey}`, accept: "text/event-stream" },
        })),
    );
    expect(raw.map(({ status }) => status)).toEqual(raw.map(() => 200));
    const ends = raw.map((response) => response.text().then(() => "ended", () => "cut"));
    await reached(job.watch(), 0.05);
    const { code, tookMs } = await fleet.edge.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(2_000);
    expect(new Set(await Promise.all(ends))).toEqual(new Set(["ended"]));
    fleet.edge.start();
    expect((await job).job).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(states(await watched).at(-1)).toBe("succeeded");
  });

  it("reads secrets from files that its environment names", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "comfyfleet-secrets-"));
    try {
      const { apiKey } = planEdge({ runtime, dataDir, port: 1 });
      const folder = join(dataDir, "edge");
      mkdirSync(folder);
      writeFileSync(join(folder, "key"), `${apiKey}\n`);
      writeFileSync(join(folder, "pods"), '[{"name":"far","url":"http://127.0.0.1:1","secret":"0123456789abcdef"}]\n');
      const env = { EDGE_BOOTSTRAP_KEY: `file:${join(folder, "key")}`, EDGE_PODS: `file:${join(folder, "pods")}` };
      await using edge = await startTestEdge({ runtime, dataDir, env });
      await edge.waitReady();
      const { items } = await createFleet({ baseUrl: edge.baseUrl, apiKey }).trpc.pods.list.query({});
      expect(items.map(({ name }) => name)).toEqual(["far"]);
    } finally {
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  it("mints a first key where none is given, and says it once", async () => {
    await using edge = await startTestEdge({ runtime, env: { EDGE_BOOTSTRAP_KEY: "" } });
    await edge.waitReady();
    const [, key = ""] = /First administrator key, shown once: (cfl_\S+)/.exec(edge.process.log()) ?? [];
    expect((await ask(`${edge.baseUrl}/healthz`, { key })).status).toBe(503);
    await edge.process.terminate();
    edge.process.start();
    await edge.waitReady();
    expect(edge.process.log().match(/First administrator key/g)).toHaveLength(1);
    expect((await ask(`${edge.baseUrl}/healthz`, { key })).status).toBe(503);
  });

  it("names every problem of its configuration at once, and ends with code 1", async () => {
    await using edge = await startTestEdge({
      runtime,
      env: {
        EDGE_LISTEN: "nowhere",
        EDGE_PODS: "[{",
        EDGE_BOOTSTRAP_KEY: "file:/no/such/file",
        MAX_UPLOAD_BYTES: "many",
        POD_BEAT_MS: "1",
        LOG_LEVEL: "loud",
      },
    });
    expect(await edge.process.ended()).toBe(1);
    const log = edge.process.log();
    for (
      const name of ["EDGE_LISTEN", "EDGE_PODS", "EDGE_BOOTSTRAP_KEY", "MAX_UPLOAD_BYTES", "POD_BEAT_MS", "LOG_LEVEL"]
    ) {
      expect(log).toMatch(new RegExp(`^  ${name}: \\S`, "m"));
    }
    expect(log).toMatch(/^Cannot start the edge: its configuration is wrong$/m);
    expect(log).not.toMatch(/\n\s+at /);
  });

  it("is not given a way to run processes", () => {
    const { plan } = planEdge({ runtime, dataDir: "/tmp/never-made", port: 1 });
    expect(plan.command.join(" ")).not.toMatch(/ -A( |$)|--allow-all|--allow-run|--allow-ffi|--allow-sys/);
  });
});
