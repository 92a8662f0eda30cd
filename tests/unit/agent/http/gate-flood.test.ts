// What a process of the pod itself can do to edges by connecting again and again: docs/security.md says no more than this.
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { connectAs, identity } from "../../../support/tailnet/fake-local-api.ts";
import { allOf, head, startGatedAgent } from "./gated-agent.ts";

type Agent = Awaited<ReturnType<typeof startGatedAgent>>;

/** In the place of the 184 ms that tailscaled takes for one that it does not know. */
const TIMING = { recheckMs: 60, whoisMs: 100, retryMs: 20, trustMs: 600 };
const EDGE = identity({ roles: ["observe"] });
const GET = head("GET", "/metrics");

async function flood(agent: Agent, count: number): Promise<Socket[]> {
  const sockets = await Promise.all(
    Array.from({ length: count }, () => connectAs(agent.fake, { port: agent.port, who: () => "hang" })),
  );
  for (const socket of sockets) socket.on("error", () => undefined);
  return sockets;
}

describe("a flood of connections of this machine's own", () => {
  it("takes nothing from an edge that is connected: it is served, and asked about in time", async () => {
    // On a loaded machine an answer that is there at once takes longer than a stranger's is waited for in the other cases.
    await using agent = await startGatedAgent({ ...TIMING, whoisMs: 500, trustMs: 3_000 });
    let asked = 0;
    const who = () => {
      asked += 1;
      return EDGE;
    };
    const edge = await connectAs(agent.fake, { port: agent.port, who });
    let text = "";
    edge.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    const answers = () => text.split("HTTP/1.1 200").length - 1;
    edge.write(GET);
    await expect.poll(answers, { timeout: 5_000 }).toBe(1);
    const strangers = await flood(agent, 60);
    for (let count = 2; count <= 10; count += 1) {
      const before = asked;
      edge.write(GET);
      await expect.poll(answers, { timeout: 5_000 }).toBe(count);
      await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThan(before);
    }
    expect(edge.destroyed).toBe(false);
    // All the while others waited: two at a time take fifteen seconds.
    expect(strangers.some((socket) => !socket.destroyed)).toBe(true);
    edge.destroy();
  }, 30_000);

  it("has a new connection of an edge wait for its turn behind those that wait already", async () => {
    await using agent = await startGatedAgent(TIMING);
    await flood(agent, 20);
    const startedMs = performance.now();
    expect(await agent.ask(GET, EDGE)).toMatch(/^HTTP\/1.1 200 /);
    expect(performance.now() - startedMs).toBeGreaterThan(500);
  });

  it("has it closed unasked where too many wait; another one gets in when they are through", async () => {
    await using agent = await startGatedAgent(TIMING);
    const strangers = await flood(agent, 66);
    const refused = await connectAs(agent.fake, { port: agent.port, who: () => EDGE });
    refused.on("error", () => undefined).write(GET);
    expect(await allOf(refused)).toBe("");
    expect(agent.executed).toEqual([]);
    await expect.poll(() => strangers.every((socket) => socket.destroyed), { timeout: 8_000 }).toBe(true);
    expect(await agent.ask(GET, EDGE)).toMatch(/^HTTP\/1.1 200 /);
  });
});
