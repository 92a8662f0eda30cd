// Clients that send a byte a second, or nothing: the others are served meanwhile, and what can be closed is closed.
import { describe, expect, it } from "vitest";
import { AgentProcess, SECRET } from "../contract/agent/agent-process.ts";
import { finalReport, imageGraph, order } from "../contract/agent/orders.ts";
import { codeOf, slowClients, statusOf } from "../support/bad-input/slow-client.ts";
import { openHandles, residentBytes } from "../support/bad-input/process-health.ts";
import { EDGE_RUNTIMES, startTestFleet } from "../support/fleet/fleet.ts";
import { queryRaw } from "../support/fleet/http.ts";
import { until } from "../support/fleet/until.ts";
import { quick } from "../support/fleet/workflows.ts";

const MIB = 1024 * 1024;
const EACH = 12;

// At the same time: all mostly wait.
describe("slow clients", () => {
  it.concurrent.each(EDGE_RUNTIMES)("of the edge on %s are bounded, and the others are served", async (runtime) => {
    await using fleet = await startTestFleet({ runtime });
    const port = Number(new URL(fleet.baseUrl).port);
    const head = (method: string, path: string, key = fleet.apiKey) =>
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;
    const submit = (key?: string) => `${head("POST", "/trpc/jobs.submit", key)}Content-Length: 10000\r\n\r\n`;
    const kinds = {
      nothing: { first: "" },
      slowHead: { first: "GET /livez HTTP/1.1\r\nX-Slow: ", drip: "a" },
      slowBody: { first: submit(), drip: " " },
      slowChunks: {
        first: `${head("POST", "/trpc/jobs.submit")}Transfer-Encoding: chunked\r\n\r\n`,
        drip: "1\r\n \r\n",
      },
      silentBody: { first: submit() },
      strangersBody: { first: submit("cfl_nobody_x"), drip: " " },
      bodyOfAGet: { first: `${head("GET", "/livez")}Content-Length: 10000\r\n\r\n`, drip: "a" },
      slowUpload: { first: `${head("POST", "/v1/assets?name=a.txt")}Content-Length: 10000\r\n\r\n`, drip: "a" },
      halfOpen: { first: `${head("GET", "/trpc/jobs.list?input=%7B%22json%22%3A%7B%7D%7D")}\r\n`, half: true },
      cutBody: { first: submit(), half: true },
    };
    const before = { handles: openHandles(fleet.edge.pid), resident: residentBytes(fleet.edge.pid) };
    const clients = slowClients(port, { kinds, each: EACH });
    const all = Object.values(clients).flat();
    try {
      // Half-open ones are answered at once.
      await until("half-open clients", () => clients.halfOpen.every((one) => statusOf(one) === 200) || null, 10_000);
      await until("refused bodies", () => clients.strangersBody.every((one) => statusOf(one) === 401) || null, 10_000);
      const tookMs: number[] = [];
      for (let asked = 0; asked < 50; asked++) {
        const startedMs = performance.now();
        expect((await queryRaw(fleet, "jobs.list", {})).status).toBe(200);
        tookMs.push(performance.now() - startedMs);
      }
      expect(tookMs.toSorted((a, b) => a - b)[25]).toBeLessThan(250);
      expect((await fleet.client.run(quick())).outputs).toHaveLength(1);
      // The body of a call has a minute, an upload one for each part.
      const bodies = [...clients.slowBody, ...clients.slowChunks, ...clients.silentBody, ...clients.slowUpload];
      await until("bodies given up", () => bodies.every((one) => statusOf(one) === 400) || null, 90_000);
      for (const one of bodies) expect(codeOf(one)).toBe("upload_interrupted");
      expect(residentBytes(fleet.edge.pid) - before.resident).toBeLessThan(150 * MIB);
      // Deno's server has no time limit for a head, and keeps a connection while its client goes on sending.
      if (runtime === "node") {
        const closed = [
          ...bodies,
          ...clients.nothing,
          ...clients.slowHead,
          ...clients.strangersBody,
          ...clients.bodyOfAGet,
        ];
        await until("connections closed", () => closed.every(({ isClosed }) => isClosed) || null, 15_000);
        expect(new Set(clients.slowHead.map(statusOf))).toEqual(new Set([408]));
        expect(new Set(clients.slowHead.map(codeOf))).toEqual(new Set(["timeout"]));
      }
    } finally {
      for (const one of all) one.end();
    }
    await until("handles closed", () => openHandles(fleet.edge.pid) <= before.handles + 8 || null);
    expect((await queryRaw(fleet, "jobs.list", {})).status).toBe(200);
  }, 150_000);

  it.concurrent("of the agent are bounded, and its edge is served", async () => {
    await using agent = new AgentProcess({ AGENT_NVIDIA_SMI: "no-such-nvidia-smi" });
    await (await agent.start()).ready();
    const head = (method: string, path: string, secret = SECRET) =>
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/json\r\n`;
    const beat = (secret?: string) => `${head("POST", "/trpc/pod.beat", secret)}Content-Length: 10000\r\n\r\n`;
    const input = `${head("PUT", `/inputs/${"0".repeat(64)}`)}Content-Length: 10000\r\n\r\n`;
    const kinds = {
      nothing: { first: "" },
      slowHead: { first: "GET /trpc/pod.describe HTTP/1.1\r\nX-Slow: ", drip: "a" },
      slowBody: { first: beat(), drip: " " },
      slowChunks: { first: `${head("POST", "/trpc/pod.beat")}Transfer-Encoding: chunked\r\n\r\n`, drip: "1\r\n \r\n" },
      silentBody: { first: beat() },
      strangersBody: { first: beat("somebody else"), drip: " " },
      bodyOfAGet: { first: `${head("GET", "/trpc/pod.describe")}Content-Length: 10000\r\n\r\n`, drip: "a" },
      slowInput: { first: input, drip: "a" },
      silentInput: { first: input },
      halfOpen: { first: `${head("GET", "/trpc/pod.describe")}\r\n`, half: true },
      cutBody: { first: beat(), half: true },
      cutInput: { first: input, half: true },
    };
    const before = { handles: openHandles(agent.pid), resident: residentBytes(agent.pid) };
    const clients = slowClients(Number(new URL(agent.url).port), { kinds, each: EACH });
    try {
      await until("half-open clients", () => clients.halfOpen.every((one) => statusOf(one) === 200) || null, 10_000);
      await until("refused bodies", () => clients.strangersBody.every((one) => statusOf(one) === 401) || null, 10_000);
      const tookMs: number[] = [];
      for (let asked = 0; asked < 50; asked++) {
        const startedMs = performance.now();
        await agent.client.pod.describe.query();
        tookMs.push(performance.now() - startedMs);
      }
      expect(tookMs.toSorted((a, b) => a - b)[25]).toBeLessThan(250);
      const ordered = order(imageGraph());
      await agent.client.attempts.start.mutate(ordered);
      expect(await finalReport(agent, ordered.attemptId)).toMatchObject({ state: "succeeded" });
      // A call has a minute for its body, an input a minute for each part of it.
      const bodies = [
        ...clients.slowBody,
        ...clients.slowChunks,
        ...clients.silentBody,
        ...clients.slowInput,
        ...clients.silentInput,
      ];
      await until("bodies given up", () => bodies.every((one) => statusOf(one) === 400) || null, 90_000);
      expect(new Set(bodies.map(codeOf))).toEqual(new Set(["upload_interrupted"]));
      expect(residentBytes(agent.pid) - before.resident).toBeLessThan(150 * MIB);
      const closed = Object.values(clients).flat();
      await until("connections closed", () => closed.every(({ isClosed }) => isClosed) || null, 45_000);
      expect(new Set(clients.slowHead.map((one) => `${statusOf(one)} ${codeOf(one)}`))).toEqual(
        new Set(["408 timeout"]),
      );
    } finally {
      for (const one of Object.values(clients).flat()) one.end();
    }
    await until("handles closed", () => openHandles(agent.pid) <= before.handles + 8 || null);
    expect(await agent.client.pod.describe.query()).toMatchObject({ podId: expect.stringMatching(/^pod_/) });
  }, 180_000);
});
