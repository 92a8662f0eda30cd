/** Enrolment against a real headscale: what the stand-in of the unit tests claims, and that its keys join nodes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHeadscaleApi } from "../../proxy/enrollment/headscale-api.ts";
import type { ControlApi } from "../../proxy/enrollment/port.ts";
import { systemClock } from "../../proxy/time/clock.ts";
import { until } from "../support/fleet/until.ts";
import { type Daemon, soon, startDaemon } from "../support/tailnet/daemon.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
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
    expect(device).toMatchObject({ id: pod.stableId, hostname: "pod-1", tags: ["tag:pod"], online: true, keyId: id });
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
