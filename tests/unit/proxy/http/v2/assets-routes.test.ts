import { schemas } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import type { BlobStore } from "../../../../../proxy/assets/port.ts";
import { answerDownload } from "../../../../../proxy/assets/download.ts";
import { createMemoryBlobs } from "../../../../support/memory-blobs.ts";
import { assetIdAt, assetOf, bodyBy, CALLER, jobIdAt, refused, setUpV2, TENANT, uuid } from "./v2-fixture.ts";

const ASSETS = "/api/v2/assets";
const ASSET = `${ASSETS}/${uuid(2)}`;
const HASH = `blake3:${"b".repeat(64)}`;

describe("assets by hash", () => {
  it("mints over bytes that are there: 201, or 200 for the same reference", async () => {
    const asked: unknown[] = [];
    for (const created of [true, false]) {
      const { post } = setUpV2({
        assets: {
          fromHash: (_caller, request) => {
            asked.push(request);
            return Promise.resolve({ asset: assetOf({ expiresAt: "2026-01-01T00:00:00.000Z" }), created });
          },
        },
      });
      const response = await post(`${ASSETS}/from-hash`, {
        hash: HASH,
        file_path: "a.png",
        tags: ["x"],
        expires_in: 60,
      });
      expect(response.status).toBe(created ? 201 : 200);
      expect(await bodyBy(schemas.zAssetFromHashResponse, response)).toMatchObject({ created_new: false, id: uuid(2) });
    }
    expect(asked[0]).toEqual({ blake3: "b".repeat(64), filePath: "a.png", expiresInMs: 60_000 });
  });

  it.each([[{}], [{ hash: "x" }], [{ hash: HASH, file_path: "../x" }], [{ hash: HASH, expires_in: "60" }], [{
    hash: HASH,
    x: 1,
  }], [{ hash: HASH, tags: "x" }]])(
    "refuses %j with 422",
    async (body) => {
      expect(await refused(await setUpV2().post(`${ASSETS}/from-hash`, body))).toMatchObject({
        status: 422,
        code: "invalid_request",
      });
    },
  );

  it("tells by HEAD whether bytes are there, whichever way the colon is written", async () => {
    const asked: string[] = [];
    const { call } = setUpV2({
      assets: {
        hasBlake3: (_caller, blake3) => {
          asked.push(blake3);
          return Promise.resolve(blake3.startsWith("b"));
        },
      },
    });
    const head = async (hash: string) => (await call(`${ASSETS}/by-hash/${hash}`, { method: "HEAD" })).status;
    expect(await head(HASH)).toBe(200);
    expect(await head(encodeURIComponent(HASH))).toBe(200);
    expect(await head(`blake3:${"c".repeat(64)}`)).toBe(404);
    expect(await head("blake3:b")).toBe(404);
    expect(asked).toHaveLength(3);
    expect((await call(`${ASSETS}/by-hash/${HASH}`, { method: "HEAD" }, null)).status).toBe(401);
  });
});

describe("one asset", () => {
  it("is shown with a link that ends with it, where it expires sooner", async () => {
    const expiresAt = new Date(1_700_000_060_500).toISOString();
    const assets = { get: () => Promise.resolve(assetOf({ expiresAt })) };
    const shown = await bodyBy(schemas.zGetAssetResponse, await setUpV2({ assets }).call(ASSET));
    expect(shown).toMatchObject({ expires_at: expiresAt, url_expires_at: new Date(1_700_000_060_000).toISOString() });
    expect(shown["url"]).toContain("?expires=1700000060&");
    const sent = await setUpV2({ assets }).call(`${ASSET}/content`);
    expect(sent.headers.get("location")).toBe(shown["url"]);
  });

  it("is shown with a fresh link at the origin that the request or the operator names", async () => {
    const assets = { get: () => Promise.resolve(assetOf({ jobId: jobIdAt(5), blake3: null })) };
    const first = await bodyBy(schemas.zGetAssetResponse, await setUpV2({ assets }).call(ASSET));
    expect(first).toMatchObject({ hash: null, job_id: uuid(5), url_expires_at: "2023-11-14T23:13:20.000Z" });
    expect(first["url"]).toMatch(
      new RegExp(`^http://edge\\.test${ASSET}/content\\?expires=\\d+&signature=[\\w-]{43}$`),
    );
    const named = setUpV2({ assets, publicOrigin: "https://fleet.example.com" });
    expect(await (await named.call(ASSET)).json()).toMatchObject({
      url: expect.stringMatching(/^https:\/\/fleet\.example\.com\//),
    });
  });

  it("is deleted with 204, and refused while it is in use", async () => {
    const { call } = setUpV2({ assets: { delete: () => Promise.resolve() } });
    expect((await call(ASSET, { method: "DELETE" })).status).toBe(204);
    const inUse = setUpV2({
      assets: { delete: () => Promise.reject(new FleetError("asset_in_use", "Cannot delete")) },
    });
    expect(await refused(await inUse.call(ASSET, { method: "DELETE" }))).toMatchObject({
      status: 409,
      code: "asset_in_use",
    });
    expect(await refused(await call(`${ASSETS}/asset_x`, { method: "DELETE" }))).toMatchObject({ status: 404 });
  });
});

describe("GET /api/v2/assets/{id}/content", () => {
  /** One asset with real bytes, downloaded as the edge does. */
  async function setUpContent() {
    const bytes = new TextEncoder().encode("0123456789");
    const blobs: BlobStore = {
      ...createMemoryBlobs(),
      open: (_tenant, _sha256, range) => {
        const part = range === undefined ? bytes : bytes.slice(range.start, range.end + 1);
        return Promise.resolve({ body: new Blob([part]).stream(), sizeBytes: bytes.length });
      },
      read: () => Promise.resolve(bytes.slice()),
    };
    const asset = assetOf({ sizeBytes: 10, fileName: "naïve 図.png" });
    const askers: unknown[] = [];
    const routes = setUpV2({
      assets: {
        get: () => Promise.resolve(asset),
        download: (caller, _id, request) => {
          askers.push("signedFor" in caller ? "signed" : caller.keyId);
          return answerDownload({ asset, tenantId: TENANT, blobs }, request);
        },
      },
    });
    const { url } = await (await routes.call(ASSET)).json() as { url: string };
    const link = new URL(url);
    return { ...routes, askers, link: link.pathname + link.search };
  }

  it("serves ranges and names, by key or by link", async () => {
    const { call, askers, link } = await setUpContent();
    for (const [path, caller] of [[`${ASSET}/content`, CALLER], [link, null]] as const) {
      const first = await call(path, {}, caller);
      const { pathname, search } = new URL(first.headers.get("location") ?? link, "http://edge.test");
      expect(first.status).toBe(caller === null ? 200 : 302);
      const whole = caller === null ? first : await call(pathname + search, {}, null);
      expect(whole.headers.get("content-disposition")).toContain("filename*=UTF-8''na%C3%AFve%20%E5%9B%B3.png");
      expect(await whole.text()).toBe("0123456789");
      const part = await call(path, { headers: { range: "bytes=2-4" } }, caller);
      expect({ status: part.status, range: part.headers.get("content-range"), text: await part.text() })
        .toEqual({ status: 206, range: "bytes 2-4/10", text: "234" });
      const beyond = await call(path, { headers: { range: "bytes=10-" } }, caller);
      expect(beyond.headers.get("content-range")).toBe("bytes */10");
      expect(await beyond.clone().json()).toEqual({
        error: {
          code: "range_not_satisfiable",
          message: expect.stringMatching(/^Cannot send this range: .*\. Ask for 'bytes=START-END'/),
          details: null,
        },
      });
      expect(await refused(beyond)).toMatchObject({ status: 416, code: "range_not_satisfiable" });
      const head = await call(path, { method: "HEAD" }, caller);
      expect({ status: head.status, length: head.headers.get("content-length") }).toEqual({
        status: 200,
        length: "10",
      });
    }
    expect(new Set(askers)).toEqual(new Set([CALLER.keyId, "signed"]));
  });

  it("takes a link from whoever sends it, and a key where a link is dead", async () => {
    const { call, askers, link, clock } = await setUpContent();
    const stranger = { ...CALLER, keyId: "key_01jx0000000000000000000099", scopes: [] } as const;
    expect((await call(link, {}, stranger)).status).toBe(200);
    expect((await call(link, {}, CALLER)).status).toBe(200);
    clock.skip(2 * 3_600_000);
    expect((await call(link, {}, stranger)).status).toBe(401);
    expect((await call(link, {}, CALLER)).status).toBe(200);
    expect(askers).toEqual(["signed", "signed", CALLER.keyId]);
  });

  it("refuses a link that was changed, that is another asset's or that has expired, whatever there is", async () => {
    const { call, link, clock } = await setUpContent();
    const status = async (path: string, caller = null as typeof CALLER | null) => (await call(path, {}, caller)).status;
    expect(await status(link)).toBe(200);
    expect(await status(`${ASSET}/content`)).toBe(401);
    const [path = "", query = ""] = link.split("?");
    const params = new URLSearchParams(query);
    const changed = (name: string, value: string) => {
      const other = new URLSearchParams(params);
      other.set(name, value);
      return `${path}?${other}`;
    };
    const signature = params.get("signature") ?? "";
    const tricks = [
      changed("expires", String(Number(params.get("expires")) + 1)),
      changed("expires", ""),
      changed("signature", signature.slice(0, -1)),
      changed("signature", `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`),
      changed("signature", ""),
      `${path}?expires=${params.get("expires")}`,
      link.replace(uuid(2), uuid(3)),
    ];
    for (const trick of tricks) expect(await status(trick), trick).toBe(401);
    // Whoever may read it with a key needs no link that is in order.
    expect(await status(tricks[0] ?? "", CALLER)).toBe(200);
    expect(await status(tricks[0] ?? "", { ...CALLER, scopes: ["jobs:read"] })).toBe(401);
    expect(await status(link, { ...CALLER, scopes: [] })).toBe(200);
    expect(await status(`${ASSET}/content`, { ...CALLER, scopes: [] })).toBe(403);
    clock.skip(3_600_000);
    expect(await status(link)).toBe(401);
    expect(await status(`${ASSETS}/${assetIdAt(2)}/content`, CALLER)).toBe(404);
  });
});
