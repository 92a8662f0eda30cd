import { describe, expect, it } from "vitest";
import { until } from "../pods/pod-side.ts";
import { echo, failureOf, POD, setUp } from "./transport-fixture.ts";

const MIB = 1024 * 1024;

describe("createTailnetTransport()", () => {
  it("sends the request to the pod's address on the agents' port and answers as fetch does", async () => {
    await using side = await setUp(echo);
    const response = await side.transport.fetch(POD, "/trpc/pod.beat?a=%2F", {
      method: "POST",
      headers: { "x-request-id": "r1" },
      body: "hällo",
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.json()).toMatchObject({
      method: "POST",
      url: "/trpc/pod.beat?a=%2F",
      headers: { host: "100.64.0.2:8189", "x-request-id": "r1", "content-length": "6" },
      body: "hällo",
    });
    expect(side.daemon.dials).toEqual([{ host: "100.64.0.2", port: 8189 }]);
    expect(side.opened).toEqual(["100.64.0.2"]);
  });

  it("keeps the connection for the next call, whether or not the answer was read", async () => {
    await using side = await setUp((_, response) => response.end("ok"));
    for (let call = 0; call < 5; call += 1) {
      const response = await side.transport.fetch(POD, "/");
      if (call % 2 === 0) expect(await response.text()).toBe("ok");
      else await response.body?.cancel();
    }
    expect(side.daemon.dials).toHaveLength(1);
  });

  it("sends bytes and streams, and says when a stream of the caller's fails", async () => {
    await using side = await setUp(echo);
    const put = (body: BodyInit) => side.transport.fetch(POD, "/x", { method: "PUT", body, duplex: "half" });
    expect(await (await put(new TextEncoder().encode("bytes"))).json()).toMatchObject({ body: "bytes" });
    const stream = new Blob(["ab", "cd"]).stream();
    expect(await (await put(stream)).json()).toMatchObject({ body: "abcd" });
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("disk")) });
    expect(await failureOf(put(broken))).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
  });

  it("streams a large answer at its reader's pace", async () => {
    const total = 64 * MIB;
    let written = 0;
    await using side = await setUp((_, response) => {
      response.writeHead(200, { "content-length": total });
      const chunk = Buffer.alloc(MIB / 4);
      const more = () => {
        while (written < total) {
          written += chunk.byteLength;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const { body } = await side.transport.fetch(POD, "/");
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    let read = (await reader.read()).value?.byteLength ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(written).toBeLessThan(total / 2);
    for (let part = await reader.read(); !part.done; part = await reader.read()) read += part.value.byteLength;
    expect(read).toBe(total);
  });

  it.each([
    ["a declared length", { "content-length": 100 }],
    ["chunks", {}],
    ["a long declared length", { "content-length": MIB }],
  ])("says so when the answer is cut short, with %s", async (_, headers) => {
    await using side = await setUp((_request, response) => {
      response.writeHead(200, headers);
      response.write("abc", () => response.destroy());
    });
    const read = side.transport.fetch(POD, "/").then((response) => response.text());
    expect(await failureOf(read)).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
  });

  it("ends call and connection with the caller's signal: before the answer, in it, and when its body is dropped", async () => {
    let closed = 0;
    await using side = await setUp((request, response) => {
      response.once("close", () => closed += 1);
      if (request.url === "/silent") return;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    const before = new AbortController();
    const silent = side.transport.fetch(POD, "/silent", { signal: before.signal });
    await until(() => side.sockets.size === 1);
    before.abort(new Error("mine"));
    await expect(silent).rejects.toThrow("mine");
    const within = new AbortController();
    const stream = await side.transport.fetch(POD, "/", { signal: within.signal });
    const reader = stream.body?.getReader();
    await reader?.read();
    within.abort(new Error("also mine"));
    await expect(reader?.read()).rejects.toThrow("also mine");
    const dropped = await side.transport.fetch(POD, "/");
    await dropped.body?.cancel();
    await until(() => side.sockets.size === 0 && closed === 3);
    await expect(side.transport.fetch(POD, "/", { signal: within.signal })).rejects.toThrow("also mine");
  });
});
