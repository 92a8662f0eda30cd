import { describe, expect, it } from "vitest";
import { createPaths } from "../../../../proxy/tailnet/paths.ts";
import type { TailnetPeer } from "../../../../proxy/tailnet/peers.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { createScriptedDaemon, unansweredUntil } from "./scripted-daemon.ts";

const PEER: TailnetPeer = {
  stableId: "n2",
  nodeId: 2,
  hostName: "a",
  ip: "100.64.0.2",
  tags: ["tag:pod"],
  online: false,
  discoKey: null,
};

function setUp() {
  const daemon = createScriptedDaemon();
  const clock = createManualClock();
  const paths = createPaths({ api: daemon.api, clock, pingMs: 60_000 });
  return { daemon, clock, paths, stop: new AbortController() };
}

describe("createPaths()", () => {
  it("open() repeats a ping that is not answered within 250 ms, until one is", async () => {
    const { daemon, clock, paths, stop } = setUp();
    daemon.onPing = (_, signal) =>
      daemon.pings.length < 4
        ? unansweredUntil(signal)
        : Promise.resolve({ LatencySeconds: 0.01, Endpoint: "1.2.3.4:5" });
    let opened = false;
    void paths.open(PEER, stop.signal).then(() => (opened = true));
    await clock.advance(700);
    expect(opened).toBe(false);
    await clock.advance(100);
    expect(opened).toBe(true);
    expect(daemon.pings).toHaveLength(4);
    expect(paths.of("n2")).toEqual({ kind: "direct", relay: null, latencyMs: 10 });
  });

  it("open() pings once for all who wait, and no more until the path is closed", async () => {
    const { daemon, paths, stop } = setUp();
    await Promise.all([paths.open(PEER, stop.signal), paths.open(PEER, stop.signal)]);
    await paths.open(PEER, stop.signal);
    expect(daemon.pings).toHaveLength(1);
    paths.close("n2");
    await paths.open(PEER, stop.signal);
    expect(daemon.pings).toHaveLength(2);
  });

  it("open() gives up after 3 s without an answer, also of a daemon that refuses at once, and the next begins anew", async () => {
    const { daemon, clock, paths, stop } = setUp();
    daemon.onPing = () => Promise.resolve({ Err: "no matching peer" });
    let opened = 0;
    void paths.open(PEER, stop.signal).then(() => (opened += 1));
    await clock.advance(2_900);
    expect(opened).toBe(0);
    await clock.advance(200);
    expect(opened).toBe(1);
    expect(daemon.pings.length).toBeLessThan(14);
    const before = daemon.pings.length;
    void paths.open(PEER, stop.signal);
    await clock.advance(10);
    expect(daemon.pings.length).toBe(before + 1);
    expect(paths.of("n2")).toEqual({ kind: "unknown", relay: null, latencyMs: null });
  });

  it("open() ends with the signal", async () => {
    const { daemon, clock, paths, stop } = setUp();
    daemon.onPing = (_, signal) => unansweredUntil(signal);
    const opening = paths.open(PEER, stop.signal);
    await clock.advance(10);
    stop.abort(new Error("the pod has left"));
    await expect(opening).rejects.toThrow("the pod has left");
  });

  it("keepWarm() looks twice soon, for a direct path that is found late, then every minute", async () => {
    const { daemon, clock, paths, stop } = setUp();
    daemon.onPing = () => Promise.resolve({ LatencySeconds: 0.08, DERPRegionCode: "fra" });
    const done = paths.keepWarm(() => PEER, stop.signal);
    await clock.advance(1_100);
    expect(paths.of("n2")).toEqual({ kind: "relay", relay: "fra", latencyMs: 80 });
    daemon.onPing = () => Promise.resolve({ LatencySeconds: 0.02, Endpoint: "1.2.3.4:5" });
    await clock.advance(5_100);
    expect(paths.of("n2").kind).toBe("direct");
    await clock.advance(3 * 60_000);
    expect(daemon.pings.length).toBe(5);
    stop.abort();
    await done;
  });

  it("keepWarm() knows nothing of a path any more after three pings without an answer", async () => {
    const { daemon, clock, paths, stop } = setUp();
    const done = paths.keepWarm(() => PEER, stop.signal);
    await clock.advance(7_000);
    daemon.onPing = (_, signal) => unansweredUntil(signal);
    await clock.advance(2 * 62_000);
    expect(paths.of("n2").kind).toBe("direct");
    await clock.advance(63_000);
    expect(paths.of("n2").kind).toBe("unknown");
    stop.abort();
    await done;
  });
});
