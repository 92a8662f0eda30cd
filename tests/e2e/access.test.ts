/** Tenants, keys, scopes and downloads, over HTTP against both edge runtimes. */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet, file } from "../../client/mod.ts";
import type { Asset } from "../../client/mod.ts";
import { parseApiKey } from "../../contracts/api-key.ts";
import { assetContentPath } from "../../contracts/edge/routes.ts";
import { ask } from "../support/fleet/http.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { gradientPath, quick } from "../support/fleet/workflows.ts";

describe.each(EDGE_RUNTIMES)("access to an edge on %s", (runtime) => {
  let fleet: TestFleet;

  beforeAll(async () => {
    fleet = await startTestFleet({ runtime });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const clientWith = (apiKey: string) => createFleet({ baseUrl: fleet.baseUrl, apiKey });

  it("keys.create gives a tenant's key the five scopes of a tenant, and a secret that is said once", async () => {
    const tenant = await fleet.client.trpc.tenants.create.mutate({ name: "studio" });
    const created = await fleet.client.trpc.keys.create.mutate({ tenantId: tenant.id, name: "render box" });
    expect(created).toMatchObject({
      tenantId: tenant.id,
      scopes: ["jobs:read", "jobs:write", "assets:read", "assets:write", "services:read"],
      revokedAt: null,
    });
    expect(parseApiKey(created.key)?.keyId).toBe(created.id);
    const { items } = await fleet.client.trpc.keys.list.query({});
    expect(items.map(({ id }) => id)).toContain(created.id);
    expect(JSON.stringify(items)).not.toContain(parseApiKey(created.key)?.secret);

    const studio = clientWith(created.key);
    expect((await studio.run(quick())).job.tenantId).toBe(tenant.id);
    expect((await studio.trpc.jobs.list.query({})).items).toHaveLength(1);
  });

  it("a key without a scope is refused what needs it, whatever else it may do", async () => {
    const reader = clientWith((await fleet.client.trpc.keys.create.mutate({ scopes: ["jobs:read"] })).key);
    expect((await reader.trpc.jobs.list.query({})).items).toBeInstanceOf(Array);
    const refused = [
      () => reader.run(quick()).submitted,
      () => reader.assets.upload(file(gradientPath)),
      () => reader.call((trpc) => trpc.pods.list.query({})),
      () => reader.call((trpc) => trpc.keys.create.mutate({})),
      () => reader.call((trpc) => trpc.tenants.create.mutate({ name: "mine" })),
      () => reader.call((trpc) => trpc.keys.list.query({})),
    ];
    for (const call of refused) await expect(call()).rejects.toMatchObject({ code: "forbidden", retryable: false });
  });

  it("keys.revoke acts at once", async () => {
    const created = await fleet.client.trpc.keys.create.mutate({ name: "short-lived" });
    const client = clientWith(created.key);
    await client.trpc.jobs.list.query({});
    const revoked = await fleet.client.trpc.keys.revoke.mutate({ keyId: created.id });
    expect(revoked.revokedAt).not.toBeNull();
    await expect(client.call((trpc) => trpc.jobs.list.query({}))).rejects.toMatchObject({ code: "unauthorized" });
    expect(await fleet.client.trpc.keys.revoke.mutate({ keyId: created.id })).toEqual(revoked);
  });

  it("an upload announced as more than 512 MiB is 413 before a byte of it is sent", async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { authorization: `Bearer ${fleet.apiKey}`, "content-length": String(512 * 1024 * 1024 + 1) };
      const call = request(`${fleet.baseUrl}/v1/assets?name=big.bin`, { method: "POST", headers, timeout: 10_000 });
      call.on("response", (response) => {
        resolve(response.statusCode ?? 0);
        call.destroy();
      });
      call.on("error", reject);
      call.flushHeaders();
    });
    expect(status).toBe(413);
  });

  describe("a download", () => {
    const bytes = readFileSync(gradientPath);
    let asset: Asset;
    let url: string;
    const get = (headers: Record<string, string> = {}, method = "GET") =>
      fetch(url, { method, headers: { authorization: `Bearer ${fleet.apiKey}`, ...headers } });

    beforeAll(async () => {
      asset = await fleet.client.assets.upload(file(gradientPath), { contentType: "image/png" });
      url = `${fleet.baseUrl}${assetContentPath(asset.id)}`;
    });

    it("has every byte and the headers that keep a browser from running it", async () => {
      const response = await get();
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": "image/png",
        "content-length": String(bytes.byteLength),
        "content-disposition": expect.stringMatching(/^inline; filename="gradient\.png"/),
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        etag: `"${asset.sha256}"`,
      });
    });

    it("by HEAD has the same headers and no body", async () => {
      const response = await get({}, "HEAD");
      expect(response.status).toBe(200);
      expect(response.headers.get("content-length")).toBe(String(bytes.byteLength));
      expect((await response.arrayBuffer()).byteLength).toBe(0);
    });

    it.each([
      ["bytes=0-9", 0, 10],
      ["bytes=100-199", 100, 200],
      ["bytes=-16", bytes.byteLength - 16, bytes.byteLength],
      [`bytes=${bytes.byteLength - 5}-`, bytes.byteLength - 5, bytes.byteLength],
    ])("of the range %s is that part", async (range, start, end) => {
      const response = await get({ range });
      expect(response.status).toBe(206);
      expect(response.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/${bytes.byteLength}`);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes.subarray(start, end));
    });

    it("of a range beyond the end is 416 with the size", async () => {
      const response = await get({ range: `bytes=${bytes.byteLength}-` });
      expect(response.status).toBe(416);
      expect(response.headers.get("content-range")).toBe(`bytes */${bytes.byteLength}`);
      expect(await response.json()).toMatchObject({ error: { code: "range_not_satisfiable" } });
    });

    it("that the client has is 304, and If-Range with another version is whole", async () => {
      const unchanged = await get({ "if-none-match": `"${asset.sha256}"` });
      expect(unchanged.status).toBe(304);
      const whole = await get({ range: "bytes=0-9", "if-range": '"another"' });
      expect(whole.status).toBe(200);
      expect((await whole.arrayBuffer()).byteLength).toBe(bytes.byteLength);
    });

    it.each([["page.html", "text/html"], ["drawing.svg", "image/svg+xml"]])(
      "of %s is an attachment, never a page",
      async (name, contentType) => {
        const page = await fleet.client.assets.upload(file(new TextEncoder().encode(`<b>${name}</b>`), name), {
          contentType,
        });
        const answer = await ask(`${fleet.baseUrl}${assetContentPath(page.id)}`, { key: fleet.apiKey });
        expect(answer.headers.get("content-disposition")).toMatch(/^attachment;/);
        expect(answer.headers.get("content-security-policy")).toBe("sandbox");
      },
    );

    it("of bytes uploaded twice is one asset, with both hashes of them", async () => {
      const again = await fleet.client.assets.upload(file(gradientPath));
      expect(again.id).toBe(asset.id);
      expect(asset).toMatchObject({ sizeBytes: bytes.byteLength, blake3: expect.stringMatching(/^[0-9a-f]{64}$/) });
    });
  });
});
