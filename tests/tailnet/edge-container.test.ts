/** What the edge's container does: it joins with its key, runs the edge over its own tailscaled, and ends both. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../support/fleet/fleet.ts";
import { until } from "../support/fleet/until.ts";
import { quick } from "../support/fleet/workflows.ts";
import { soon } from "../support/tailnet/daemon.ts";
import {
  EDGE_KEY,
  type EdgeContainer,
  type EdgeContainerOptions,
  runEdgeContainer,
} from "../support/tailnet/edge-container.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";
import { whyNoTunnel } from "../support/tailnet/tunnel.ts";

const whyNot = whyNoTunnel();
if (whyNot !== null) console.log(`Userspace mode alone is shown: ${whyNot}`);

/** Most of a second for the edge's streams, then tailscaled; a container is given ten. */
const STOP_WITHIN_MS = 6_000;
const USERSPACE = { TS_TUN: "userspace-networking" };

let tailnet: TestTailnet;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  tailnet = stack.use(await startTailnet());
});
afterEach(() => stack.disposeAsync());

async function run(options: EdgeContainerOptions): Promise<EdgeContainer> {
  return stack.use(await runEdgeContainer(tailnet, options));
}

async function addPod(): Promise<void> {
  stack.use(await startPod(tailnet, { name: "gpu-1" }));
}

/** StableID of its node, once that runs. */
async function nodeOf({ api }: EdgeContainer): Promise<string> {
  return await until("its node to run", async () => {
    const status = await api.status({ peers: false }, soon()).catch(() => null);
    return status?.BackendState === "Running" ? status.Self?.ID ?? null : null;
  });
}

/** The files of the container, and the command lines and environments of its processes, that have it. */
function whereIs(secret: string, { dir, pids }: EdgeContainer): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const processes = pids().flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return [...files.map(({ parentPath, name }) => join(parentPath, name)), ...processes].filter((path) => {
    try {
      return readFileSync(path).includes(secret);
    } catch {
      return false; // gone meanwhile
    }
  });
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

describe.each(EDGE_RUNTIMES)("the container of an edge on %s", (runtime) => {
  // The mode that it finds by itself, and the one that it is given.
  const [env, how] = runtime === "deno" && whyNot === null
    ? [{}, "with a kernel device"] as const
    : [USERSPACE, "in userspace mode"] as const;

  it("joins, reaches pods, ends edge and tailscaled at SIGTERM, and is the same node without a key", async () => {
    const container = await run({ runtime, env });
    const { client, dir, keyPath } = container;
    await container.ready();
    await addPod();
    const podId = await container.podReady();
    expect((await client.pod(podId).comfy.status.query()).takesJobs).toBe(true);
    expect((await client.run(quick())).job).toMatchObject({ state: "succeeded", podId });
    const { checks } = await client.trpc.tailnet.status.query();
    expect(checks[0]?.message).toContain(`Running ${how}`);
    expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
    expect(container.health()).toBe(0);
    expect(whereIs(readFileSync(keyPath, "utf8"), container)).toEqual([keyPath]);
    expect(modeOf(join(dir, "data/tailnet"))).toBe(0o700);
    expect(modeOf(join(dir, "data/tailnet/tailscaled.state"))).toBe(0o600);

    const node = await nodeOf(container);
    const { code, tookMs } = await container.process.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(STOP_WITHIN_MS);
    expect(container.pids()).toEqual([]);
    expect(container.health()).toBe(1);

    rmSync(keyPath);
    container.process.start();
    await container.ready();
    expect(await nodeOf(container)).toBe(node);
    expect(await container.podReady()).toBe(podId);
    expect((await client.run(quick())).job).toMatchObject({ state: "succeeded", podId });
  }, 120_000);
});

describe("the container of an edge", () => {
  const runtime = "node";

  it("starts a killed tailscaled again, as the same node; the edge goes on", async () => {
    const container = await run({ runtime, env: USERSPACE });
    await container.ready();
    await addPod();
    const podId = await container.podReady();
    const [node, edge, daemon] = [
      await nodeOf(container),
      container.pids("main.node.ts"),
      container.pids("--statedir="),
    ];
    expect([edge.length, daemon.length]).toEqual([1, 2]);
    for (const pid of daemon) process.kill(pid, "SIGKILL");
    await until("another tailscaled", () => container.pids("--statedir=").some((pid) => !daemon.includes(pid)) || null);
    expect(await nodeOf(container)).toBe(node);
    await until("the pod to be called again", async () => {
      const options = { signal: AbortSignal.timeout(2_000) };
      return await container.client.pod(podId).pod.describe.query(undefined, options).catch(() => null);
    }, 30_000);
    expect((await container.client.run(quick())).job).toMatchObject({ state: "succeeded", podId });
    expect(container.pids("main.node.ts")).toEqual(edge);
    expect(container.process.log()).toContain("tailscaled ended (exit code 137); starting it again");
  }, 120_000);

  it("starts the edge without its control server once it has joined, and has its pods when that is back", async () => {
    const container = await run({ runtime, env: { ...USERSPACE, TS_JOIN_SECONDS: "3" } });
    await container.ready();
    await addPod();
    const podId = await container.podReady();
    await container.process.terminate();
    await tailnet.headscale.process.kill();
    container.process.start();
    await container.ready();
    expect(container.process.log()).toContain("starting the edge without its pods");
    const { checks } = await container.client.trpc.tailnet.status.query();
    expect(checks[0]).toMatchObject({ name: "tailscaled", status: "failed" });
    await tailnet.headscale.restart();
    await until("the pod to be called again", async () => {
      const options = { signal: AbortSignal.timeout(2_000) };
      return await container.client.pod(podId).pod.describe.query(undefined, options).catch(() => null);
    }, 60_000);
  }, 180_000);

  async function expectEnd(container: EdgeContainer, code: number, said: string): Promise<void> {
    expect(await container.process.ended()).toBe(code);
    expect(container.process.log()).toContain(said);
    expect(container.pids()).toEqual([]);
    expect(readdirSync(join(container.dir, "data/edge"))).toEqual([]);
  }

  it("ends where its key was used already, and joins with another one at the next start", async () => {
    const key = await tailnet.headscale.mint(EDGE_KEY);
    const first = await run({ runtime: "deno", key, env: USERSPACE });
    await first.ready();
    await first.process.terminate();
    const container = await run({ runtime, key, env: USERSPACE });
    await expectEnd(container, 1, "Cannot join the tailnet: the key has been used already");
    expect(container.process.log()).not.toContain(key);
    writeFileSync(container.keyPath, await tailnet.headscale.mint(EDGE_KEY));
    container.process.start();
    await container.ready();
    expect(await nodeOf(container)).not.toBe("");
  }, 60_000);

  it("ends where the control server does not know its key, or where it has none", async () => {
    const wrong = await run({ runtime, key: "hskey-auth-0123456789ab-wrong", env: USERSPACE });
    await expectEnd(wrong, 1, "Cannot join the tailnet: ");
    rmSync(wrong.keyPath);
    wrong.process.start();
    await expectEnd(wrong, 1, "has no key to log in with");
  });

  it("gives up where tailscaled cannot be run", async () => {
    await expectEnd(await run({ runtime, env: { TAILSCALED: "/no/such" } }), 1, "tailscaled ended 6 times in a row");
  });

  it("ends while it still waits for its control server", async () => {
    const container = await run({ runtime, env: { ...USERSPACE, TS_CONTROL_URL: "http://127.0.0.1:9" } });
    await until("the join to wait", () => container.process.log().includes("Cannot reach the control server") || null);
    const { code, tookMs } = await container.process.terminate();
    expect(code).not.toBe(0);
    expect(tookMs).toBeLessThan(STOP_WITHIN_MS);
    expect(container.pids()).toEqual([]);
  });

  it("uses a tailscaled that is there, starts none, and leaves it when it ends", async () => {
    const daemon = await tailnet.addDaemon("edge", { ...EDGE_KEY, dir: tailnet.makeFolder("host") });
    const container = await run({ runtime: "deno", env: { TS_SOCKET: daemon.socketPath, TS_AUTHKEY: "" } });
    await container.ready();
    await addPod();
    const podId = await container.podReady();
    expect((await container.client.run(quick())).job).toMatchObject({ state: "succeeded", podId });
    expect(container.pids("--statedir=")).toEqual([]);
    expect(await container.process.terminate()).toMatchObject({ code: 0 });
    expect((await daemon.api.status({ peers: false }, soon())).BackendState).toBe("Running");
  });

  it("is an edge without a tailnet where it is given neither key nor socket", async () => {
    const container = await run({ runtime: "deno", env: { TS_AUTHKEY: "" } });
    await container.ready();
    await expect(container.client.trpc.tailnet.status.query()).rejects.toThrow("this edge is on none");
    expect(container.health()).toBe(0);
    expect(await container.process.terminate()).toMatchObject({ code: 0 });
  });
});
