import { describe, expect, it } from "vitest";
import type { ControlApi } from "../../../../proxy/enrollment/port.ts";
import { createHeadscaleApi } from "../../../../proxy/enrollment/headscale-api.ts";
import { createTailscaleApi } from "../../../../proxy/enrollment/tailscale-api.ts";
import { systemClock } from "../../../../proxy/time/clock.ts";
import type { ApiServer } from "../../../support/tailnet/api-server.ts";
import { headscaleStandIn } from "../../../support/tailnet/headscale-stand-in.ts";
import { tailscaleStandIn } from "../../../support/tailnet/tailscale-stand-in.ts";

const signal = new AbortController().signal;
/** Sleeps are as good as none, so that tries follow at once. */
const clock = {
  ...systemClock(),
  sleep: (ms: number, end: AbortSignal) => systemClock().sleep(ms >= 5_001 ? ms : 0, end),
};
const NOW = "2026-11-27T18:14:34.247665724Z";

interface Rig extends AsyncDisposable {
  api: ControlApi;
  server: ApiServer;
  addDevice(key?: "no-key"): string;
  /** The keys that can still be used. */
  liveKeys(): string[];
}

async function headscale(): Promise<Rig> {
  const server = await headscaleStandIn();
  const api = createHeadscaleApi({ url: `${server.url}/`, apiKey: server.apiKey, fetch, clock });
  return {
    api,
    server,
    addDevice(key) {
      server.nodes.push({
        id: "7",
        name: "pod-a",
        tags: ["tag:pod"],
        online: true,
        lastSeen: NOW,
        createdAt: NOW,
        keyId: key === "no-key" ? null : "1",
      });
      return "7";
    },
    liveKeys: () => [...server.keys.values()].flatMap((k) => Date.parse(k.expiration) > Date.now() ? [k.key] : []),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function tailscale(): Promise<Rig> {
  const server = await tailscaleStandIn();
  const { url, clientId, clientSecret } = server;
  const api = createTailscaleApi({ url, tailnet: "-", clientId, clientSecret, fetch, clock });
  return {
    api,
    server,
    addDevice() {
      const nodeId = "n7CNTRL";
      server.devices.push({
        id: "777",
        nodeId,
        hostname: "pod-a",
        tags: ["tag:pod"],
        created: NOW,
        lastSeen: NOW,
        connectedToControl: true,
      });
      return nodeId;
    },
    liveKeys: () => [...server.keys.values()].map(({ key }) => key),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const wanted = { tag: "tag:pod", ttlMs: 900_000, description: "comfyfleet pod-a" };

describe.each([["headscale", headscale], ["tailscale", tailscale]] as const)("the control API of %s", (kind, rigOf) => {
  it("mintKey() makes a single-use, ephemeral, tagged key with an end; revokeKey() ends it, and again", async () => {
    await using rig = await rigOf();
    const before = Date.now();
    const { id, key, expiresAtMs } = await rig.api.mintKey(wanted, signal);
    expect(rig.api.kind).toBe(kind);
    expect(rig.liveKeys()).toEqual([key]);
    expect(expiresAtMs - before).toBeGreaterThan(895_000);
    expect(expiresAtMs - before).toBeLessThan(905_000);
    const asked = JSON.parse(rig.server.requests.find(({ path }) => /key/.test(path))?.body ?? "{}");
    const create = asked.capabilities?.devices.create ?? asked;
    expect(create).toMatchObject({ reusable: false, ephemeral: true });
    expect(create.tags ?? create.aclTags).toEqual(["tag:pod"]);
    if (kind === "tailscale") expect(create).toMatchObject({ preauthorized: true });
    await rig.api.revokeKey(id, signal);
    expect(rig.liveKeys()).toEqual([]);
    await rig.api.revokeKey(id, signal);
    await rig.api.revokeKey("unknown", signal);
  });

  it("listDevices() reads what counts; deleteDevice() says whether there was one", async () => {
    await using rig = await rigOf();
    expect(await rig.api.listDevices(signal)).toEqual([]);
    const id = rig.addDevice();
    expect(await rig.api.listDevices(signal)).toEqual([{
      id,
      hostname: "pod-a",
      tags: ["tag:pod"],
      createdAtMs: Date.parse(NOW),
      lastSeenAtMs: Date.parse(NOW),
      online: true,
      joinedWith: kind === "headscale" ? { keyId: "1" } : "untold",
    }]);
    expect(await rig.api.deleteDevice(id, signal)).toBe(true);
    expect(await rig.api.deleteDevice(id, signal)).toBe(false);
    expect(await rig.api.listDevices(signal)).toEqual([]);
  });

  it("policy() is the text in force", async () => {
    await using rig = await rigOf();
    expect(await rig.api.policy(signal)).toBe('// ours\n{ "grants": [], }');
  });

  it("repeats after 429, 5xx and a cut, a few times, and no refusal of another kind", async () => {
    await using rig = await rigOf();
    const listed = () => rig.server.requests.filter(({ path }) => /node|devices/.test(path)).length;
    await rig.api.listDevices(signal);
    rig.server.failures.push(
      { status: 429, body: {}, headers: { "retry-after": "1" } },
      { status: 503, body: "" },
      "cut",
    );
    const before = listed();
    expect(await rig.api.listDevices(signal)).toEqual([]);
    expect(listed() - before).toBe(4);
    rig.server.failures.push(
      ...Array.from({ length: 4 }, () => ({ status: 500, body: { message: "database is locked" } })),
    );
    await expect(rig.api.listDevices(signal)).rejects.toMatchObject({
      code: "tailnet_unavailable",
      message: expect.stringMatching(/HTTP 500: database is locked$/),
    });
    expect(listed() - before).toBe(8);
    rig.server.failures.push({ status: 400, body: { message: "no" } });
    await expect(rig.api.listDevices(signal)).rejects.toMatchObject({ retryable: false });
    expect(listed() - before).toBe(9);
  });

  it("refuses an answer of another shape without showing it", async () => {
    await using rig = await rigOf();
    await rig.api.listDevices(signal);
    rig.server.failures.push({ status: 200, body: { preAuthKey: { key: 5 }, id: "hskey-auth-secret" } });
    const failure = await rig.api.mintKey(wanted, signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "tailnet_unavailable", retryable: false });
    expect(JSON.stringify(failure) + String(failure)).not.toContain("secret");
    rig.server.failures.push({ status: 200, body: "<html>" });
    await expect(rig.api.listDevices(signal)).rejects.toMatchObject({ message: expect.stringContaining("no JSON") });
  });

  it("ends with the signal while the server is silent", async () => {
    await using rig = await rigOf();
    await rig.api.listDevices(signal);
    rig.server.failures.push("silent");
    const ending = new AbortController();
    const asked = rig.api.listDevices(ending.signal);
    const before = rig.server.requests.length;
    await expect.poll(() => rig.server.requests.length).toBeGreaterThan(before);
    ending.abort(new Error("no longer"));
    await expect(asked).rejects.toThrow("no longer");
  });
});

describe("headscale", () => {
  it("tells a device that joined without a key from one of which nobody says", async () => {
    await using rig = await headscale();
    rig.addDevice("no-key");
    expect(await rig.api.listDevices(signal)).toMatchObject([{ joinedWith: "no-key" }]);
  });
});

describe("credentials", () => {
  it("are named as what to look at, and not shown, when headscale refuses them", async () => {
    await using server = await headscaleStandIn();
    const api = createHeadscaleApi({ url: server.url, apiKey: "hskey-api-wrong", fetch, clock });
    const failure = await api.listDevices(signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "tailnet_unavailable", hint: expect.stringContaining("HEADSCALE_API_KEY") });
    expect(JSON.stringify(failure)).not.toContain("wrong");
    expect(server.requests).toHaveLength(1);
  });

  it("are an OAuth client's at Tailscale: one token serves many calls until shortly before its end", async () => {
    await using server = await tailscaleStandIn({ lifeS: 3_600 });
    const time = { ms: 0 };
    const { url, clientId, clientSecret } = server;
    const timed = { ...clock, monotonicMs: () => time.ms };
    const api = createTailscaleApi({ url, tailnet: "-", clientId, clientSecret, fetch, clock: timed });
    const grants = () => server.requests.filter(({ path }) => path === "/api/v2/oauth/token").length;
    await Promise.all([api.listDevices(signal), api.listDevices(signal), api.listDevices(signal)]);
    time.ms = 3_539_000;
    await api.listDevices(signal);
    expect(grants()).toBe(1);
    time.ms = 3_541_000;
    await api.listDevices(signal);
    expect(grants()).toBe(2);
  });

  it("at Tailscale are asked for anew once when a token is refused before its time", async () => {
    await using server = await tailscaleStandIn();
    const { url, clientId, clientSecret } = server;
    const api = createTailscaleApi({ url, tailnet: "-", clientId, clientSecret, fetch, clock });
    await api.listDevices(signal);
    server.tokens.clear();
    await api.listDevices(signal);
    expect(server.requests.filter(({ path }) => path === "/api/v2/oauth/token")).toHaveLength(2);
    server.failures.push(...Array.from({ length: 3 }, () => ({ status: 401, body: { message: "no" } })));
    await expect(api.listDevices(signal)).rejects.toMatchObject({ code: "tailnet_unavailable", retryable: false });
  });

  it("that Tailscale does not know fail with the scopes to look at", async () => {
    await using server = await tailscaleStandIn();
    const { url, clientId } = server;
    const api = createTailscaleApi({ url, tailnet: "-", clientId, clientSecret: "tskey-client-x", fetch, clock });
    const failure = await api.mintKey(wanted, signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "tailnet_unavailable", hint: expect.stringContaining("auth_keys") });
    expect(JSON.stringify(failure) + String(failure)).not.toContain("tskey-client-x");
  });
});

describe("a control server that is away", () => {
  it("is said to be unreachable after a few tries", async () => {
    const server = await headscaleStandIn();
    const api = createHeadscaleApi({ url: server.url, apiKey: server.apiKey, fetch, clock });
    await server[Symbol.asyncDispose]();
    await expect(api.listDevices(signal)).rejects.toMatchObject({
      code: "tailnet_unavailable",
      retryable: true,
      message: "Cannot reach headscale's API: the connection failed",
    });
  });
});
