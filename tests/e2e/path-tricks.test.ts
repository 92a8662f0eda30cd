// Paths written so that two readers may read them differently, sent as they are, to edges and to an agent.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envelopeIn } from "../support/bad-input/judge.ts";
import { FORBIDDEN_PROCEDURE, PATH_TRICKS, type Route } from "../support/bad-input/path-tricks.ts";
import { sendRaw } from "../support/bad-input/send.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { leaksOf } from "../support/fleet/leaks.ts";
import { ask } from "../support/fleet/http.ts";

interface Server {
  baseUrl: string;
  key: string | null;
  secretFolder: string;
}

/** What the path brought, in one request on a connection of its own. */
async function answerTo(
  { baseUrl, key }: Server,
  method: string,
  path: string,
): Promise<{ status: number; body: string }> {
  const body = method === "POST" ? "{}" : "";
  const authorization = key === null ? "" : `Authorization: Bearer ${key}\r\n`;
  const text = await sendRaw(
    baseUrl,
    `${method} ${path} HTTP/1.1\r\nHost: ${
      new URL(baseUrl).host
    }\r\n${authorization}Content-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  const [, status = "0"] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? [];
  return { status: Number(status), body: text.slice(text.indexOf("\r\n\r\n") + 4) };
}

/** Deno's parser answers what is no path of HTTP by itself, with an empty 400 or 414. */
const isOfTheParser = ({ status, body }: { status: number; body: string }) =>
  (status === 400 || status === 414 || status === 431) && body === "";

/** @returns what was answered with 200 */
async function tryAll(server: Server, route: Route): Promise<string[]> {
  const granted: string[] = [];
  for (const { name, path } of PATH_TRICKS) {
    for (const method of ["GET", "POST"]) {
      const answer = await answerTo(server, method, path(route));
      const envelope = envelopeIn(answer.body);
      const what = `${name}, ${method}: ${answer.status} ${answer.body.slice(0, 200)}`;
      expect(answer.status === 200 || envelope !== null || isOfTheParser(answer) || answer.status === 503, what).toBe(
        true,
      );
      expect(answer.status, what).not.toBe(500);
      expect(envelope?.code, what).not.toBe("internal");
      expect(leaksOf(answer.body, server.secretFolder), what).toEqual([]);
      if (server.key === null) expect([400, 401, 404, 414, 431], what).toContain(answer.status);
      if (answer.status === 200) granted.push(answer.body);
    }
  }
  return granted;
}

describe.each(EDGE_RUNTIMES)("path tricks, with the edge on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    fleet = await startTestFleet({ runtime });
  });
  afterAll(async () => await fleet?.[Symbol.asyncDispose]());

  const edge = (key: string | null): Server => ({ baseUrl: fleet.baseUrl, key, secretFolder: fleet.dataDir });

  it.each<Route>([
    { prefix: "/trpc", last: "jobs.list" },
    { prefix: "/v1/assets/asset_00000000000000000000000000", last: "content" },
    { prefix: "/v1", last: "assets" },
  ])("below $prefix are answered or refused in the envelope, with a key and without", async (route) => {
    const { pid } = fleet.edge;
    await tryAll(edge(fleet.apiKey), route);
    await tryAll(edge(null), route);
    expect(fleet.edge.pid).toBe(pid);
    expect((await ask(`${fleet.baseUrl}/readyz`)).status).toBe(200);
  });

  it("on the way through to a pod reach no procedure but those that operators may call", async () => {
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    const route = { prefix: `/pods/${pod?.id}/trpc`, last: "comfy.status" };
    const allowed = await tryAll(edge(fleet.apiKey), route);
    // Some ways of writing lead to the procedure itself, or out of the pass-through to the edge's health.
    const isStatus = (body: string) => body.startsWith('{"result":') && body.includes('"takesJobs"');
    expect(allowed.some(isStatus)).toBe(true);
    expect(allowed.filter((body) => !isStatus(body) && !body.startsWith('{"status":'))).toEqual([]);
    await tryAll(edge(null), route);
    const comfyPid = fleet.comfyPid();
    for (const last of ["attempts.get", FORBIDDEN_PROCEDURE, "pod.watch"]) {
      const reached = await tryAll(edge(fleet.apiKey), { ...route, last });
      expect(reached.filter((body) => !body.startsWith('{"status":')), last).toEqual([]);
    }
    expect(fleet.comfyPid()).toBe(comfyPid);
    expect((await fleet.client.trpc.pods.list.query({})).items[0]?.phase).toBe("ready");
  });

  it("below the agent's /trpc, with its secret and without, reach nothing that changes the pod", async () => {
    const agent = { baseUrl: fleet.agentUrl, secretFolder: fleet.dataDir };
    await tryAll({ ...agent, key: fleet.agentSecret }, { prefix: "/trpc", last: "pod.describe" });
    await tryAll({ ...agent, key: null }, { prefix: "/trpc", last: "pod.describe" });
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    expect(pod?.phase).toBe("ready");
  });
});
