import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { afterEach, describe, expect, it } from "vitest";
import { createPodClient, type Dial, type LogEvent } from "../../../client/mod.ts";
import type { AgentContext } from "../../../contracts/agent/ports.ts";
import { agentRouter } from "../../../contracts/agent/router.ts";
import { FleetError } from "../../../contracts/errors.ts";

const AT = "2026-01-01T00:00:00.000Z";
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

function logEvent(number: number): { id: string; data: LogEvent } {
  return {
    id: `log.${number}`,
    data: { type: "line", line: { number, at: AT, text: `line ${number}`, transient: false } },
  };
}

const comfy: Partial<AgentContext["comfy"]> = {
  free: () => Promise.resolve({ status: "asked", message: "ComfyUI was asked." }),
  restart: ({ reason }) => Promise.reject(new FleetError("conflict", `Cannot restart: ${reason}`, { hint: "Wait." })),
  logs: () => Promise.reject(new FleetError("not_found", "Cannot find the log")),
  async *followLogs({ lastEventId }) {
    await Promise.resolve();
    // The first connection is cut after two lines.
    if (lastEventId === null || lastEventId === undefined) yield* [logEvent(1), logEvent(2)];
    else yield logEvent(3);
  },
};

interface Agent {
  port: number;
  requests: { url: string; authorization: string | null }[];
  sockets: number;
}

/** @param stranger what it says to whom it does not know */
async function agent(stranger?: () => Response): Promise<Agent> {
  const seen: Agent = { port: 0, requests: [], sockets: 0 };
  const context = { requestId: "test", comfy } as unknown as AgentContext;
  const server = createServer(getRequestListener((request) => {
    seen.requests.push({ url: request.url, authorization: request.headers.get("authorization") });
    if (stranger) return stranger();
    return fetchRequestHandler({ endpoint: "/trpc", req: request, router: agentRouter, createContext: () => context });
  }));
  server.on("connection", () => (seen.sockets += 1));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  seen.port = (server.address() as AddressInfo).port;
  return seen;
}

/** As `/dial` does: whatever the name, the test's own server. */
function dialTo(port: number): { dial: Dial; asked: { host: string; port: number }[] } {
  const asked: { host: string; port: number }[] = [];
  return {
    asked,
    dial: (to) =>
      new Promise((resolve, reject) => {
        asked.push(to);
        const socket = connect(port, "127.0.0.1", () => resolve(socket));
        socket.once("error", reject);
      }),
  };
}

describe.each(["fetch", "dial"])("createPodClient() over %s", (way) => {
  function clientOf({ port }: Agent) {
    return createPodClient(
      way === "fetch"
        ? { host: "127.0.0.1", port, requestTimeoutMs: 2_000 }
        : { host: "pod-1", dial: dialTo(port).dial, requestTimeoutMs: 2_000 },
    );
  }

  it("makes typed calls without a key, and gives the agent's own errors", async () => {
    const there = await agent();
    const pod = clientOf(there);
    expect(await pod.call((trpc) => trpc.comfy.free.mutate())).toEqual({
      status: "asked",
      message: "ComfyUI was asked.",
    });
    await expect(pod.call((trpc) => trpc.comfy.restart.mutate({ reason: "ü" }))).rejects.toMatchObject({
      ...{ code: "conflict", message: "Cannot restart: ü", hint: "Wait." },
    });
    // A procedure that finds nothing is no agent that does not know us.
    await expect(pod.call((trpc) => trpc.comfy.logs.query({}))).rejects.toMatchObject({ code: "not_found" });
    expect(there.requests.map(({ authorization }) => authorization)).toEqual([null, null, null]);
  });

  it("follows a log over cuts", async () => {
    const numbers: number[] = [];
    for await (const event of clientOf(await agent()).logs()) {
      if (event.type === "line") numbers.push(event.line.number);
      if (numbers.length === 3) break;
    }
    expect(numbers).toEqual([1, 2, 3]);
  });

  it.each([
    ["an envelope", () => Response.json({ error: { code: "not_found", message: "Cannot find it" } }, { status: 404 })],
    ["a text", () => new Response("404 Not Found", { status: 404 })],
  ])("says that the agent does not know this machine when it answers every path with %s", async (_, stranger) => {
    const pod = clientOf(await agent(stranger));
    const refusal = { code: "forbidden", hint: expect.stringContaining("observe") };
    await expect(pod.call((trpc) => trpc.comfy.free.mutate())).rejects.toMatchObject(refusal);
    await expect(pod.logs()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
  });

  it("says that nothing answers there", async () => {
    const there = await agent();
    const pod = clientOf(there);
    servers.splice(0)[0]?.close();
    await expect(pod.call((trpc) => trpc.comfy.free.mutate())).rejects.toMatchObject({
      code: "agent_unreachable",
      hint: expect.stringContaining("TS_SOCKET"),
    });
    await expect(pod.logs({ outageMs: 0 })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      message: expect.stringContaining("the pod has been away"),
    });
  });

  it("gives up at its deadline, and at the caller's signal", async () => {
    const silent = await agent(() =>
      new Response(new ReadableStream(), { headers: { "content-type": "application/json" } })
    );
    const pod = clientOf(silent);
    const ending = new AbortController();
    const asked = pod.call((trpc) => trpc.comfy.free.mutate(undefined, { signal: ending.signal }), ending.signal);
    await expect.poll(() => silent.requests.length).toBe(1);
    ending.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });
});

describe("createPodClient()", () => {
  it("dials the host and port that it was given, and tells what dial() says", async () => {
    const there = await agent();
    const { dial, asked } = dialTo(there.port);
    await createPodClient({ host: "fd7a:115c:a1e0::2", dial }).call((trpc) => trpc.comfy.free.mutate());
    expect(asked).toEqual([{ host: "fd7a:115c:a1e0::2", port: 8189 }]);
    const closed: Dial = () => Promise.reject(new FleetError("agent_unreachable", "Cannot reach it: it is no peer"));
    await expect(createPodClient({ host: "pod-1", dial: closed }).call((trpc) => trpc.comfy.free.mutate())).rejects
      .toMatchObject({ message: "Cannot reach it: it is no peer" });
  });

  it.each(["", "http://pod-1", "pod-1/x", "user@pod-1", "pod 1"])("refuses '%s' as a host", (host) => {
    expect(() => createPodClient({ host })).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
