import { describe, expect, it } from "vitest";
import { podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { until } from "../pods/pod-side.ts";
import { createScriptedDaemon } from "./scripted-daemon.ts";
import { echo, failureOf, POD, setUp } from "./transport-fixture.ts";

describe("createTailnetTransport()", () => {
  it("ends a dial that nobody answers after 4 s: nothing was sent, and the next dial pings again", async () => {
    const clock = createManualClock();
    await using side = await setUp(echo, clock);
    const daemon = createScriptedDaemon();
    side.daemon.onDial = daemon.onDial;
    const failing = failureOf(side.transport.fetch(POD, "/", { method: "POST", body: "x" }));
    await clock.advance(3_900);
    expect(side.opened).toEqual(["100.64.0.2"]);
    await clock.advance(200);
    expect(await failing).toMatchObject({ code: "agent_unreachable", details: { sent: false } });
    expect(side.opened).toEqual(["100.64.0.2", "close n2"]);
  });

  it("leaves no timer behind once it has dialled", async () => {
    const clock = createManualClock();
    await using side = await setUp(echo, clock);
    const { status } = await side.transport.fetch(POD, "/");
    expect([status, clock.sleeping()]).toEqual([201, 0]);
  });

  it("does not keep what a caller dials who has left meanwhile", async () => {
    await using side = await setUp(echo);
    const { onDial } = side.daemon;
    let letGo = () => {};
    side.daemon.onDial = async (to, signal) => {
      await new Promise<void>((resolve) => (letGo = resolve));
      return await onDial(to, signal);
    };
    const stop = new AbortController();
    const call = side.transport.fetch(POD, "/", { signal: stop.signal });
    await until(() => side.daemon.dials.length === 1);
    stop.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
    letGo();
    await until(() => side.sockets.size === 1);
    side.transport.cut(POD);
    await until(() => side.sockets.size === 0);
  });

  it("repeats a GET once when a kept connection turns out to be closed, but not what may have been done", async () => {
    await using side = await setUp((request, response) => {
      if (request.url !== "/" || request.headers["x-cut"] === undefined) return void response.end("ok");
      request.socket.destroy();
    });
    const warm = async () => await (await side.transport.fetch(POD, "/warm")).text();
    await warm();
    const dialled = side.daemon.dials.length;
    // The first try goes over the kept connection, the second over a new one, and both are cut.
    const get = await failureOf(side.transport.fetch(POD, "/", { headers: { "x-cut": "1" } }));
    expect(get).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
    expect(side.daemon.dials.length).toBe(dialled + 1);
    await warm();
    const before = side.daemon.dials.length;
    const post = await failureOf(side.transport.fetch(POD, "/", { method: "POST", headers: { "x-cut": "1" } }));
    expect(post).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
    expect(side.daemon.dials.length).toBe(before);
  });

  it("refuses a pod that is no peer, or not any more, and cuts what it had", async () => {
    await using side = await setUp((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    expect(await failureOf(side.transport.fetch(podId(2), "/"))).toMatchObject({
      code: "agent_unreachable",
      details: { sent: false },
    });
    const reader = (await side.transport.fetch(POD, "/")).body?.getReader();
    await reader?.read();
    side.peers.delete(POD);
    side.transport.cut(POD);
    expect(await failureOf(reader?.read() ?? Promise.resolve())).toMatchObject({ code: "agent_unreachable" });
    expect(await failureOf(side.transport.fetch(POD, "/"))).toMatchObject({ details: { sent: false } });
    expect(side.sockets.size).toBe(0);
  });

  it("uses no connection any more after renew(), and cuts what there is when the path answers again", async () => {
    await using side = await setUp((request, response) => {
      if (request.url !== "/stream") return void response.end("ok");
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    const reader = (await side.transport.fetch(POD, "/stream")).body?.getReader();
    await reader?.read();
    let answer = () => {};
    const opening = new Promise<void>((resolve) => (answer = resolve));
    side.open = () => opening;
    side.transport.renew(POD);
    expect(side.sockets.size).toBe(1);
    const call = side.transport.fetch(POD, "/");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(side.daemon.dials).toHaveLength(1);
    expect(side.sockets.size).toBe(1);
    answer();
    expect(await failureOf(reader?.read() ?? Promise.resolve())).toMatchObject({ code: "agent_unreachable" });
    expect(await (await call).text()).toBe("ok");
  });

  it("uses no connection of another address, and no host that a path looks like", async () => {
    await using side = await setUp(echo);
    await (await side.transport.fetch(POD, "/a")).text();
    const peer = side.peers.get(POD);
    if (peer) side.peers.set(POD, { ...peer, ip: "100.64.0.9" });
    const answer = await (await side.transport.fetch(POD, "//evil.example/x")).json();
    expect(answer).toMatchObject({ headers: { host: "100.64.0.9:8189" } });
    expect(side.daemon.dials.map(({ host }) => host)).toEqual(["100.64.0.2", "100.64.0.9"]);
  });
});
