/** Enrolment against a real headscale: what the stand-in of the unit tests claims, that its keys join nodes, and what is swept. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHeadscaleApi } from "../../proxy/enrollment/headscale-api.ts";
import type { ControlApi } from "../../proxy/enrollment/port.ts";
import { systemClock } from "../../proxy/time/clock.ts";
import { until } from "../support/fleet/until.ts";
import { quick } from "../support/fleet/workflows.ts";
import { type Daemon, soon, startDaemon } from "../support/tailnet/daemon.ts";
import { startEdge } from "../support/tailnet/edge.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { EDGE_GRANT, policyOf } from "../support/tailnet/policies.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

const clock = systemClock();
const signal = new AbortController().signal;
const wanted = { tag: "tag:pod", ttlMs: 900_000, description: "comfyfleet pod-1" };

let tailnet: TestTailnet;
let api: ControlApi;
const daemons: Daemon[] = [];

beforeAll(async () => {
  tailnet = await startTailnet();
  const { url, apiKey } = tailnet.headscale;
  api = createHeadscaleApi({ url, apiKey, fetch, clock });
});

afterAll(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
  await tailnet?.[Symbol.asyncDispose]();
});

async function join(name: string, key: string): Promise<Daemon> {
  const { dir, binaries, headscale } = tailnet;
  const daemon = await startDaemon({ dir, binaries, name, key, controlUrl: headscale.url });
  daemons.push(daemon);
  return daemon;
}

describe("the control API of a real headscale", () => {
  it("mints a key that joins one tagged device, once; lists it with its key, and deletes it", async () => {
    const { id, key, expiresAtMs } = await api.mintKey(wanted, signal);
    expect(expiresAtMs).toBeGreaterThan(Date.now() + 890_000);
    const pod = await join("pod-1", key);
    const [device] = await api.listDevices(signal);
    expect(device).toMatchObject({
      id: pod.stableId,
      hostname: "pod-1",
      tags: ["tag:pod"],
      online: true,
      joinedWith: { keyId: id },
    });
    expect(Math.abs(Date.now() - (device?.createdAtMs ?? 0))).toBeLessThan(60_000);
    expect(device?.lastSeenAtMs).toBeGreaterThanOrEqual(device?.createdAtMs ?? Infinity);
    await expect(join("pod-2", key)).rejects.toThrow("already used");
    expect(await api.deleteDevice(pod.stableId, signal)).toBe(true);
    expect(await api.deleteDevice(pod.stableId, signal)).toBe(false);
    expect(await api.listDevices(signal)).toEqual([]);
  });

  it("mints ephemeral keys: a device that logs out is gone", async () => {
    const pod = await join("pod-3", (await api.mintKey(wanted, signal)).key);
    await pod.api.logout(soon());
    await until("the device to be gone", async () => (await api.listDevices(signal)).length === 0 || null);
  });

  it("revokes a key before its time, an unknown one too", async () => {
    const { id, key } = await api.mintKey(wanted, signal);
    await api.revokeKey(id, signal);
    await api.revokeKey(id, signal);
    await api.revokeKey("4711", signal);
    await expect(join("pod-4", key)).rejects.toThrow(/expired/);
  });

  it("tells the policy as it was written", async () => {
    expect(await api.policy(signal)).toBe(shippedPolicy());
  });

  it("refuses a wrong key in our words", async () => {
    const stranger = createHeadscaleApi({ url: tailnet.headscale.url, apiKey: "wrong", fetch, clock });
    await expect(stranger.listDevices(signal)).rejects.toMatchObject({
      code: "tailnet_unavailable",
      message: expect.stringContaining("refuses the credentials"),
      hint: expect.stringContaining("HEADSCALE_API_KEY"),
    });
  });
});

/** What an operator would set to an hour. */
const GRACE_MS = 2_000;

describe("devices with a pod's tag that are no pods, beside an edge that sweeps", () => {
  it("of this fleet: reported, and deleted after the grace; pods, awaited ones and another fleet's stay", async () => {
    // The edge sees no node with the tag of development pods, so that it takes none of them for its own.
    await using tailnet = await startTailnet({ policy: policyOf([EDGE_GRANT]) });
    const { dir, binaries, headscale } = tailnet;
    await using edge = await startEdge(tailnet, {
      runtime: "deno",
      env: {
        ...{ HEADSCALE_URL: headscale.url, HEADSCALE_API_KEY: headscale.apiKey },
        TAILNET_ORPHAN_GRACE_MS: String(GRACE_MS),
      },
    });
    await edge.edge.waitReady();
    await using living = await startPod(tailnet, { name: "living" });
    await edge.podIn("ready", "living");
    const { pods: [awaited, used] } = await edge.client.trpc.pods.enroll.mutate({ count: 2, dev: true });
    if (!awaited || !used) expect.unreachable("two were enrolled");
    const joinAs = (name: string, key: string) => startDaemon({ dir, binaries, name, key, controlUrl: headscale.url });
    await using late = await joinAs(awaited.name, awaited.key);
    await using foreign = await joinAs("foreign", await headscale.mint({ tags: ["tag:dev-pod"] }));
    await using stray = await joinAs("stray", used.key);
    const lines = async () => {
      const { checks } = await edge.client.trpc.tailnet.status.query();
      return checks.filter(({ name }) => name.startsWith("device"));
    };
    const names = async () => (await headscale.nodes()).map(({ name }) => name).toSorted();

    const online = await until("both to be reported", async () => {
      const found = await lines();
      return found.length === 2 ? found : null;
    });
    const line = (name: string, fix: string) => ({
      ...{ name: `device ${name}`, status: "warning", message: expect.stringContaining("is no pod of this fleet") },
      fix: expect.stringContaining(fix),
    });
    expect(online).toEqual(
      expect.arrayContaining([line("stray", "joined with a key of this fleet"), line("foreign", "left alone")]),
    );
    await sleep(GRACE_MS);
    expect(await names()).toEqual([awaited.name, "edge", "foreign", "living", "stray"].toSorted());

    // The two that are to stay go first: whatever would delete them has had its time when the third is gone.
    for (const { process } of [late, foreign, stray]) await process.kill();
    const killedMs = performance.now();
    const away = await until("the stray one to be away", async () => {
      const isAway = (message: string) => message.includes("last seen");
      return (await lines()).find(({ name, message }) => name === "device stray" && isAway(message)) ?? null;
    }, 30_000);
    expect(away.fix).toContain("It is deleted once it has been away");
    await until("the stray one to be deleted", async () => !(await names()).includes("stray") || null, 30_000);
    console.log(`device killed → swept after ${Math.round((performance.now() - killedMs) / 1_000)} s`);
    expect(await names()).toEqual([awaited.name, "edge", "foreign", "living"].toSorted());
    expect(await lines()).toEqual([line("foreign", "left alone")]);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
    expect((await edge.client.trpc.pods.get.query({ podId: awaited.podId })).phase).toBe("joining");
    await living.agent.terminate();
  }, 90_000);
});
