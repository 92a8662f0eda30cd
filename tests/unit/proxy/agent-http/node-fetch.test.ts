import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createNodeFetch } from "../../../../proxy/agent-http/node-fetch.ts";
import { createDirectTransport } from "../../../../proxy/pods/direct-transport.ts";
import type { AgentRequest } from "../../../../proxy/pods/port.ts";
import { podId } from "../jobs/ids.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(answer: RequestListener, host = "127.0.0.1"): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(request)).toString("utf8");
}

/** A pod at this address, over Node's own way. */
function podAt(url: string) {
  const transport = createDirectTransport({
    pods: new Map([[podId(1), { url, secret: "s3cret" }]]),
    fetch: createNodeFetch(),
  });
  return (path: string, init?: AgentRequest) => transport.fetch(podId(1), path, init);
}

describe("createNodeFetch()", () => {
  it.each(["127.0.0.1", "::1"])(
    "sends the request to %s as it is, over one connection, and follows no redirect",
    async (host) => {
      const ports = new Set<number | undefined>();
      const url = await listen(async (request, response) => {
        ports.add(request.socket.remotePort);
        const { method, url: path, headers: { authorization, host: sentHost } } = request;
        response.writeHead(302, { location: "http://evil.example/", "content-type": "application/json" });
        response.end(JSON.stringify({ method, path, authorization, sentHost, body: await textOf(request) }));
      }, host);
      const call = podAt(url);
      for (let round = 0; round < 3; round++) {
        const answer = await call("/trpc/pod.beat?a=%2F", { method: "POST", body: '{"é":1}' });
        expect(answer.status).toBe(302);
        expect(await answer.json()).toEqual({
          method: "POST",
          path: "/trpc/pod.beat?a=%2F",
          authorization: "Bearer s3cret",
          sentHost: new URL(url).host,
          body: '{"é":1}',
        });
      }
      expect(ports.size).toBe(1);
    },
  );

  it("says whether anything was sent: nothing to a port where nobody listens, all to who hangs up", async () => {
    const gone = await listen(() => {});
    servers.pop()?.close();
    await expect(podAt(gone)("/x", { method: "POST", body: "{}" })).rejects.toMatchObject({
      code: "agent_unreachable",
      details: { sent: false },
    });
    const rude = podAt(await listen((request) => request.socket.destroy()));
    await expect(rude("/x", { method: "POST", body: "{}" })).rejects.toMatchObject({
      code: "agent_unreachable",
      details: { sent: true },
    });
  });

  it("ends with the caller's abort, before the answer and in the middle of it", async () => {
    const call = podAt(
      await listen((request, response) => {
        if (request.url === "/part") response.write("part");
      }),
    );
    const stop = new AbortController();
    const reason = new Error("my reason");
    const waiting = call("/silent", { signal: stop.signal });
    const part = await call("/part", { signal: stop.signal });
    const reading = part.text();
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it("repeats no POST whose kept connection was closed meanwhile, and believes that it was sent", async () => {
    let requests = 0;
    const call = podAt(
      await listen((request, response) => {
        requests += 1;
        // Closed without a word as soon as the next request is on its way.
        if (requests > 1) return void request.socket.destroy();
        response.end("ok");
      }),
    );
    expect(await (await call("/first", { method: "POST", body: "{}" })).text()).toBe("ok");
    await expect(call("/second", { method: "POST", body: "{}" })).rejects.toMatchObject({
      code: "agent_unreachable",
      details: { sent: true },
    });
    expect(requests).toBe(2);
  });

  it("sends a stream as it comes, and takes one at the pace of its reader", async () => {
    const call = podAt(
      await listen(async (request, response) => {
        if (request.method === "PUT") return void response.end(String((await textOf(request)).length));
        const chunk = Buffer.alloc(1024 * 1024);
        for (let sent = 0; sent < 64 && !response.destroyed; sent += 1) {
          written += chunk.length;
          if (!response.write(chunk)) {
            await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
          }
        }
        response.end();
      }),
    );
    let written = 0;
    const body = new Blob(["x".repeat(3_000_000)]).stream();
    expect(await (await call("/in", { method: "PUT", body, duplex: "half" } as AgentRequest)).text()).toBe("3000000");
    const answer = await call("/out");
    const reader = answer.body?.getReader();
    await reader?.read();
    let before = -1;
    await expect.poll(() => before === (before = written), { interval: 100 }).toBe(true);
    expect(written).toBeLessThan(32 * 1024 * 1024);
    await reader?.cancel();
  });

  it("speaks TLS, and trusts no certificate that nobody vouches for", async () => {
    const read = (name: string) => readFileSync(new URL(`../../../fixtures/tls/${name}`, import.meta.url));
    let requests = 0;
    const server = createTlsServer({ cert: read("now.pem"), key: read("server.key") }, (_request, response) => {
      requests += 1;
      response.end();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const refused = await podAt(`https://127.0.0.1:${port}`)("/x", { method: "POST", body: "{}" }).catch((
      error: unknown,
    ) => error);
    expect(refused).toMatchObject({
      code: "agent_unreachable",
      cause: { cause: { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" } },
    });
    expect(requests).toBe(0);
  });

  it("refuses an encoded body, which nobody has asked for", async () => {
    const call = podAt(await listen((_request, response) => response.setHeader("content-encoding", "gzip").end("zip")));
    await expect(call("/x")).rejects.toMatchObject({ code: "agent_incompatible" });
  });

  it("refuses an answer that is no HTTP status as such", async () => {
    const call = podAt(await listen((_request, response) => response.writeHead(999).end()));
    await expect(call("/x")).rejects.toMatchObject({ code: "agent_incompatible" });
  });
});
