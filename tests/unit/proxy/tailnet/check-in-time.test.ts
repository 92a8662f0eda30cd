import { describe, expect, it } from "vitest";
import { settle } from "../jobs/manual-clock.ts";
import { setUp } from "./tailnet-port-fixture.ts";

/** An agent that answers nothing. */
const silent = { fetch: () => new Promise<Response>(() => {}) } as never;

describe("tailnet.check over pods that do not answer", () => {
  it("tries silent pods beside each other: thirty take no longer than one", async () => {
    await using side = await setUp();
    for (let id = 1; id <= 30; id += 1) side.transport.agents.set(await side.addPod(id), silent);
    const checking = side.port.check(side.signal);
    await side.clock.advance(15_000);
    const { checks } = await checking;
    expect(checks.filter(({ name, status }) => name.endsWith(" itself") && status === "failed")).toHaveLength(30);
    expect(side.daemon.dials).toEqual([]);
  });

  it("ends in a minute however many are silent, with a line about each, and at once with its caller", async () => {
    await using side = await setUp();
    for (let id = 1; id <= 200; id += 1) side.transport.agents.set(await side.addPod(id), silent);
    const startedMs = side.clock.monotonicMs();
    const left = new AbortController();
    const leaving = expect(side.port.check(left.signal)).rejects.toThrow("left");
    const checking = side.port.check(side.signal);
    await settle();
    left.abort(new Error("left"));
    await leaving;
    await side.clock.advance(60_000);
    const { checks } = await checking;
    expect(side.clock.monotonicMs() - startedMs).toBe(60_000);
    const own = checks.filter(({ name }) => name.endsWith(" itself"));
    expect(new Set(own.map(({ name }) => name)).size).toBe(200);
    const late = own.filter(({ status, fix }) => status === "warning" && fix?.includes("check again"));
    expect(late.length).toBeGreaterThan(50);
    expect(own.filter(({ status }) => status === "failed")).toHaveLength(200 - late.length);
    expect(side.clock.sleeping()).toBe(0);
  });
});
