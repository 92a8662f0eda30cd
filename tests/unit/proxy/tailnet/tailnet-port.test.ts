import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { toTimestamp } from "../../../../contracts/ids.ts";
import type { TailnetCheck } from "../../../../contracts/tailnet/report.ts";
import { tailnetHealth } from "../../../../proxy/http/tailnet-health.ts";
import { createNoTailnetPort } from "../../../../proxy/tailnet/tailnet-port.ts";
import { settle } from "../jobs/manual-clock.ts";
import { connectTo, silentDial, statusOf } from "./scripted-daemon.ts";
import { brief, setUp } from "./tailnet-port-fixture.ts";

describe("tailnet.status", () => {
  it("says how the edge, the control server and each pod's path and capability are, without dialling anybody", async () => {
    await using side = await setUp();
    const [a, b, c] = [
      await side.addPod(2),
      await side.addPod(3, { status: "false", reason: "Forbidden" }),
      await side.addPod(4, { status: "unknown", reason: "NoAnswer" }),
    ];
    side.paths.set("n3", { kind: "relay", relay: "fra", latencyMs: 80 });
    side.paths.set("n4", { kind: "unknown", relay: null, latencyMs: null });
    const { checks, pods, now } = await side.port.status(side.signal);
    expect(brief(checks)).toEqual([
      "tailscaled: ok",
      "tag: ok",
      "connection: ok",
      "control server: ok",
      "pod gpu-2 path: ok",
      "pod gpu-2 capability: ok",
      "pod gpu-3 path: warning",
      "pod gpu-3 capability: failed",
      "pod gpu-4 path: skipped",
      "pod gpu-4 capability: skipped",
    ]);
    expect(pods).toEqual([
      { podId: a, path: "direct", latencyMs: 1.25 },
      { podId: b, path: "relay", latencyMs: 80 },
      { podId: c, path: "unknown", latencyMs: null },
    ]);
    expect(now).toBe(toTimestamp(side.clock.nowMs()));
    expect(checks.every(({ status, fix }) => (status === "failed" || status === "warning") === (fix !== null))).toBe(
      true,
    );
    expect(side.daemon.dials).toEqual([]);
    expect(checks[4]?.message).toBe("Direct, 1.3 ms");
  });

  it.each([
    ["has not its tag", { Self: { ID: "s", Tags: ["tag:pod"], TailscaleIPs: [] } }, "tag: failed"],
    ["is logged out", { BackendState: "NeedsLogin" }, "tailscaled: failed"],
    ["has an old tailscaled", { Version: "1.98.4-t1-g2" }, "tailscaled version: warning"],
    ["is not well", { Health: ["no DERP home"] }, "connection: warning"],
    [
      "has lost its control server",
      { Self: { ID: "s", Tags: ["tag:edge"], TailscaleIPs: [], Online: false } },
      "connection: warning",
    ],
  ])("says that the edge's node %s", async (_, change, line) => {
    await using side = await setUp();
    side.daemon.status = statusOf([], change);
    expect(brief((await side.port.status(side.signal)).checks)).toContain(line);
  });

  it.each(["1.100.0", "date.20260101", null])("has nothing to say about version %s", async (Version) => {
    await using side = await setUp();
    side.daemon.status = statusOf([], { Version });
    expect(brief((await side.port.status(side.signal)).checks)).not.toContain("tailscaled version: warning");
  });

  it.each([[false, "in userspace mode"], [true, "with a kernel device"]])(
    "says that TUN %s is %s",
    async (TUN, how) => {
      await using side = await setUp();
      side.daemon.status = statusOf([], { TUN });
      expect((await side.port.status(side.signal)).checks[0]?.message).toBe(`Running ${how}, version 1.102.3`);
    },
  );

  it("answers also while the daemon is away or its bus is cut", async () => {
    await using side = await setUp();
    side.daemon.down = true;
    expect(brief((await side.port.status(side.signal)).checks)).toEqual(["tailscaled: failed", "control server: ok"]);
    side.daemon.down = false;
    side.connected.now = false;
    expect(brief((await side.port.status(side.signal)).checks)).toContain("bus: warning");
  });

  it("is a conflict on an edge without a tailnet", async () => {
    const port = createNoTailnetPort();
    for (const ask of [port.status, port.check]) {
      await expect(ask(new AbortController().signal)).rejects.toMatchObject({ code: "conflict" });
    }
  });
});

describe("tailnet.check", () => {
  it("tries ComfyUI's and Jupyter's ports of each pod for two seconds, and passes on what the pod finds", async () => {
    await using side = await setUp();
    await side.addPod(2, {}, [{ name: "other pods", status: "ok", message: "None", fix: null }]);
    side.daemon.onDial = async (to, signal) => {
      await silentDial(to, signal).catch(() => {});
      throw new FleetError("agent_unreachable", "silent", { details: { sent: false, why: "silent" } });
    };
    const checking = side.port.check(side.signal);
    for (let turn = 0; turn < 10; turn += 1) await settle();
    await side.clock.advance(2_000);
    expect(brief((await checking).checks)).toEqual([
      "tailscaled: ok",
      "tag: ok",
      "connection: ok",
      "pod gpu-2 port 8188: ok",
      "pod gpu-2 port 8888: ok",
      "pod gpu-2 clock: ok",
      "pod gpu-2: other pods: ok",
    ]);
    expect(side.daemon.dials).toEqual([
      { host: "100.64.0.2", port: 8188 },
      { host: "100.64.0.2", port: 8888 },
    ]);
  });

  it("says that it has tried nothing where no pod is", async () => {
    await using side = await setUp();
    expect(brief((await side.port.check(side.signal)).checks)).toEqual([
      "tailscaled: ok",
      "tag: ok",
      "connection: ok",
      "pods: skipped",
    ]);
  });

  it("fails for a port that can be reached, for one that refuses, and cannot say of one that was not tried", async () => {
    await using side = await setUp();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await side.addPod(2);
    await side.addPod(3);
    const failure = (why: string) =>
      Promise.reject(new FleetError("agent_unreachable", why, { details: { sent: false, why } }));
    side.daemon.onDial = ({ host, port: tried }) => {
      if (host === "100.64.0.3") return failure("daemon");
      return tried === 8188 ? connectTo(port) : failure("refused");
    };
    const { checks } = await side.port.check(side.signal);
    await new Promise((resolve) => server.close(resolve));
    const byName = new Map(checks.map((check) => [check.name, check]));
    expect(byName.get("pod gpu-2 port 8188")).toMatchObject({
      status: "failed",
      message: expect.stringContaining("reached"),
    });
    expect(byName.get("pod gpu-2 port 8888")).toMatchObject({
      status: "failed",
      fix: expect.stringContaining("policy"),
    });
    expect(byName.get("pod gpu-3 port 8188")?.status).toBe("warning");
  });

  it("says of a pod whose own words are no report what is wrong, and all about the others", async () => {
    await using side = await setUp();
    side.daemon.onDial = () =>
      Promise.reject(new FleetError("agent_unreachable", "no", { details: { why: "silent" } }));
    await side.addPod(2, {}, { length: 3 } as never);
    await side.addPod(3);
    const { checks } = await side.port.check(side.signal);
    expect(checks.find(({ name }) => name === "pod gpu-2 itself")).toMatchObject({
      status: "failed",
      message: expect.stringContaining("breaks the contract"),
    });
    expect(brief(checks)).toContain("pod gpu-3 clock: ok");
  });

  it("takes no silence of a pod for closed that does not answer itself, and tells of a clock that is off", async () => {
    await using side = await setUp();
    await side.addPod(2, {}, null);
    await side.addPod(3);
    side.clock.skip(120_000);
    const checking = side.port.check(side.signal);
    for (let turn = 0; turn < 10; turn += 1) await settle();
    await side.clock.advance(2_000);
    const { checks } = await checking;
    expect(brief(checks.filter(({ name }) => name.startsWith("pod gpu-2")))).toEqual([
      "pod gpu-2 itself: failed",
      "pod gpu-2 port 8188: skipped",
      "pod gpu-2 port 8888: skipped",
    ]);
    expect(brief(checks)).toContain("pod gpu-3 clock: failed");
  });
});

describe("tailnetHealth()", () => {
  const line = (status: TailnetCheck["status"]): TailnetCheck => ({ name: status, status, message: status, fix: null });

  it("is failing for what failed, and ok for what goes on all the same", () => {
    expect(tailnetHealth([line("ok"), line("warning"), line("failed")])).toMatchObject({ status: "failing" });
    expect(tailnetHealth([line("ok"), line("warning")])).toMatchObject({ status: "ok", message: "warning" });
    expect(tailnetHealth([line("ok")])).toEqual({ name: "tailnet", status: "ok", message: "ok", fix: null });
  });
});
