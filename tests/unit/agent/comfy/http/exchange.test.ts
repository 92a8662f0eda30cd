import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { isRefused } from "../../../../../agent/comfy/http/call.ts";
import { createExchange } from "../../../../../agent/comfy/http/exchange.ts";

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(answer: RequestListener): Promise<string> {
  const listening = server = createServer(answer);
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const get = { method: "GET" as const, path: "/", timeoutMs: 5_000, signal: new AbortController().signal };

describe("exchange()", () => {
  it("sends JSON with its length in bytes, and reads the whole answer as UTF-8 whatever its status", async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => body += chunk).on("end", () => {
        seen.push(request.method, request.url, request.headers["content-length"], JSON.parse(body));
        const text = Buffer.from("grün ✓");
        response.statusCode = 400;
        response.write(text.subarray(0, 3));
        setImmediate(() => response.end(text.subarray(3)));
      });
    });
    const reply = await createExchange()(url, { ...get, method: "POST", path: "/prompt?a=1", json: { text: "ü" } });
    expect(reply).toEqual({ status: 400, text: "grün ✓" });
    expect(seen).toEqual(["POST", "/prompt?a=1", "13", { text: "ü" }]);
  });

  it("uses one connection for calls in a row", async () => {
    const ports = new Set<number | undefined>();
    const url = await listen((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("{}");
    });
    const exchange = createExchange();
    for (let count = 0; count < 3; count += 1) await exchange(url, get);
    expect(ports.size).toBe(1);
  });

  it("goes to each base URL it is given, below the path of one that has any", async () => {
    const seen: (string | undefined)[] = [];
    const url = await listen((request, response) => {
      seen.push(request.url);
      response.end("{}");
    });
    const exchange = createExchange();
    for (const base of [url, `${url}/comfy`, url]) await exchange(base, { ...get, path: "/queue?a=1" });
    expect(seen).toEqual(["/queue?a=1", "/comfy/queue?a=1", "/queue?a=1"]);
  });

  it("gives up at the deadline, before the answer and in the middle of it", async () => {
    const silent = await listen(() => {});
    await expect(createExchange()(silent, { ...get, timeoutMs: 50 })).rejects.toMatchObject({ name: "TimeoutError" });
    server?.closeAllConnections();
    server?.close();
    const stuck = await listen((_, response) => void response.write("{"));
    await expect(createExchange()(stuck, { ...get, timeoutMs: 50 })).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it("rejects when it is aborted, when the answer is cut, and when nobody listens", async () => {
    const cut = await listen((_, response) => {
      response.setHeader("content-length", 10);
      response.write("{", () => response.destroy());
    });
    await expect(createExchange()(cut, get)).rejects.toThrow();
    const stop = new AbortController();
    const call = createExchange()(cut, { ...get, signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    const refused = await createExchange()(cut, get).catch((error: unknown) => error);
    expect(isRefused(refused)).toBe(true);
  });
});
