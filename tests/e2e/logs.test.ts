/** What an edge writes down, on both runtimes: one JSON line per request, per ended attempt, and per failed beat. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { quick } from "../support/fleet/workflows.ts";

const LogLine = z.looseObject({ at: z.iso.datetime(), level: z.string(), component: z.string(), msg: z.string() });
type LogLine = z.infer<typeof LogLine>;

/** Every line but the last, which may be half written. @throws where one is no JSON */
function linesOf({ edge }: TestFleet, msg: string): LogLine[] {
  const whole = edge.log().split("\n").slice(0, -1);
  return whole.map((line) => LogLine.parse(JSON.parse(line))).filter((line) => line.msg === msg);
}

function inputOf(input: unknown): string {
  return encodeURIComponent(JSON.stringify({ json: input }));
}

describe.each(EDGE_RUNTIMES)("the log of an edge on %s", (runtime) => {
  it("has one line for an ended attempt, with its job, pod and tenant, and none more later", async () => {
    await using fleet = await startTestFleet({ runtime, env: { POD_BEAT_MS: "200" } });
    const { job } = await fleet.client.run(quick());
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    const podId = pod?.id ?? "no pod";
    const [first] = await until("the attempt's line", () => {
      const lines = linesOf(fleet, "attempt ended");
      return Promise.resolve(lines.length > 0 ? lines : null);
    });
    expect(first).toMatchObject({
      level: "info",
      component: "attempts",
      job: job.id,
      attempt: expect.stringMatching(/^att_/),
      no: 1,
      pod: podId,
      tenant: expect.stringMatching(/^tenant_/),
      jobState: "succeeded",
    });
    // Beats go on to tell of an attempt until the agent has let go of it.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(linesOf(fleet, "attempt ended")).toEqual([first]);
  });

  it("has one line for each request, under the id that the answer carries", async () => {
    await using fleet = await startTestFleet({ runtime });
    const { job } = await fleet.client.run(quick());
    const get = `trpc/jobs.get?input=${inputOf({ jobId: job.id })}`;
    const watch = `trpc/jobs.watch?input=${inputOf({ jobId: job.id })}`;
    const requests = [
      { id: "logs-get", method: "GET", path: get, status: 200 },
      { id: "logs-get-again", method: "GET", path: get, status: 200 },
      { id: "logs-watch", method: "GET", path: watch, status: 200 },
      { id: "logs-malformed", method: "POST", path: "trpc/jobs.submit", body: "{", status: 400 },
      { id: "logs-nowhere", method: "GET", path: "nowhere", status: 404 },
      { id: null, method: "GET", path: get, status: 200 },
    ];
    await until("the line of the job's own last request", () => {
      return Promise.resolve(linesOf(fleet, "request").some(({ path }) => path === "/trpc/jobs.get") || null);
    });
    const before = linesOf(fleet, "request").length;
    const sent = [];
    for (const { id, method, path, body, status } of requests) {
      const headers = { "content-type": "application/json", ...(id === null ? {} : { "x-request-id": id }) };
      const init = { method, headers, key: fleet.apiKey, ...(body === undefined ? {} : { body }) };
      const answer = await ask(`${fleet.baseUrl}/${path}`, init);
      expect(answer.status).toBe(status);
      const requestId = answer.headers.get("x-request-id");
      expect(requestId).toEqual(id ?? expect.stringMatching(/\S/));
      sent.push({ requestId, method, path: `/${path.split("?")[0]}`, status });
    }
    await until("the requests' lines", () => {
      return Promise.resolve(linesOf(fleet, "request").length >= before + sent.length || null);
    });
    const written = linesOf(fleet, "request").slice(before);
    expect(written.map(({ requestId, method, path, status }) => ({ requestId, method, path, status }))).toEqual(sent);
    expect(new Set(written.map(({ requestId }) => requestId)).size).toBe(sent.length);
    expect(written.every(({ level, tenant }) => level === "info" && String(tenant).startsWith("tenant_"))).toBe(true);
  });

  it("has a line for each beat that failed, with the pod and a reason, and none while the agent answers", async () => {
    const env = { POD_BEAT_MS: "200", POD_UNREACHABLE_MS: "700", POD_LOST_MS: "60000" };
    await using fleet = await startTestFleet({ runtime, env });
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    const podId = pod?.id ?? "no pod";
    const before = linesOf(fleet, "beat failed").length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(linesOf(fleet, "beat failed").length).toBe(before);
    await fleet.agent.kill();
    const failed = await until("three beats to fail", () => {
      const lines = linesOf(fleet, "beat failed").slice(before);
      return Promise.resolve(lines.length >= 3 ? lines : null);
    });
    for (const [at, line] of failed.entries()) {
      expect(line).toMatchObject({
        level: "warning",
        pod: podId,
        code: expect.stringMatching(/^[a-z_]+$/),
        reason: expect.stringMatching(/\S/),
        misses: at + 1,
        silenceMs: expect.any(Number),
      });
    }
  });
});
