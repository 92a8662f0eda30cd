import { schemas } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import type { UploadRequest } from "../../../../../proxy/assets/port.ts";
import { assetOf, bodyBy, refused, setUpV2, uuid } from "./v2-fixture.ts";

const ASSETS = "/api/v2/assets";
const HASH = `blake3:${"b".repeat(64)}`;

type Upload = Omit<UploadRequest, "body" | "signal"> & { bytes: string };

/** Uploads are read whole and noted; one that breaks is not. */
function setUpUpload({ newBytes = true, replayed = false } = {}) {
  const uploads: Upload[] = [];
  const routes = setUpV2({
    assets: {
      async upload(_caller, { body, signal: _signal, ...request }) {
        uploads.push({ ...request, bytes: await new Response(body).text() });
        return { asset: assetOf(), created: true, newBytes, replayed };
      },
    },
  });
  return { ...routes, uploads };
}

/** A form in the order of its entries. */
function formOf(entries: readonly (readonly [string, string | Blob])[]): FormData {
  const form = new FormData();
  for (const [name, value] of entries) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, value, "whatever.bin");
  }
  return form;
}

const FILE = ["file", new Blob(["abc"])] as const;
const NAMED = [["content_type", "image/png"], ["file_path", "in/photo.png"]] as const;
/** Its bytes: the platform's own stream of a form does not take it well to be left. */
async function upload(entries: Parameters<typeof formOf>[0], headers: Record<string, string> = {}) {
  const form = new Request("http://x/", { method: "POST", body: formOf(entries) });
  const type = { "content-type": form.headers.get("content-type") ?? "" };
  return { method: "POST", body: await form.arrayBuffer(), headers: { ...headers, ...type } };
}

describe("POST /api/v2/assets", () => {
  it("takes what the SDKs send, and answers 201 with the asset", async () => {
    const { call, uploads } = setUpUpload();
    const entries = [
      ...NAMED,
      ["expected_hash", HASH.toUpperCase().replace("BLAKE3", "blake3")],
      ["tags", "input"],
      ["tags", "x"],
      ["expires_in", "60"],
      FILE,
    ] as const;
    const response = await call(
      ASSETS,
      await upload(entries, { "idempotency-key": "k", "idempotency-mode": "replay" }),
    );
    expect(response.status).toBe(201);
    expect(await bodyBy(schemas.zPostAssetsResponse, response)).toMatchObject({
      id: uuid(2),
      hash: HASH,
      file_path: "in/photo.png",
      created_new: true,
      expires_at: null,
    });
    expect(uploads).toEqual([{
      filePath: "in/photo.png",
      contentType: "image/png",
      contentLength: null,
      expected: { blake3: "b".repeat(64) },
      expiresInMs: 60_000,
      idempotency: { key: "k", replay: true },
      bytes: "abc",
    }]);
  });

  it("answers 200 where the bytes were there, and says when a key was used again", async () => {
    const { call } = setUpUpload({ newBytes: false, replayed: true });
    const response = await call(ASSETS, await upload([...NAMED, FILE]));
    expect({ status: response.status, replayed: response.headers.get("idempotency-replayed") })
      .toEqual({ status: 200, replayed: "true" });
    expect(await response.json()).toMatchObject({ created_new: false });
  });

  it.each(
    [
      ["the file first", [FILE, ...NAMED], /'content_type' and 'file_path' are required before the file/],
      ["a field after the file", [...NAMED, FILE, ["tags", "x"]], /'tags' comes after the file/],
      ["no path", [["content_type", "image/png"], FILE], /'file_path' is required/],
      ["no file", NAMED, /no file/],
      ["two files", [...NAMED, FILE, FILE], /too many files/],
      ["a path that leaves its folder", [["content_type", "a/b"], ["file_path", "../x.png"], FILE], /file_path/],
      ["an absolute path", [["content_type", "a/b"], ["file_path", "/x.png"], FILE], /file_path/],
      ["a type that is a form's", [["content_type", "multipart/mixed"], ["file_path", "x.bin"], FILE], /content_type/],
      ["a field twice", [...NAMED, ["file_path", "b.png"], FILE], /'file_path' stands 2 times/],
      ["an unknown field", [...NAMED, ["subfolder", "x"], FILE], /subfolder/],
      ["a hash that is none", [...NAMED, ["expected_hash", "blake3:abc"], FILE], /expected_hash/],
      ["another hash", [...NAMED, ["expected_hash", `sha256:${"a".repeat(64)}`], FILE], /expected_hash/],
      ["59 seconds", [...NAMED, ["expires_in", "59"], FILE], /expires_in/],
      ["8 days", [...NAMED, ["expires_in", "691200"], FILE], /expires_in/],
      ["half seconds", [...NAMED, ["expires_in", "60.5"], FILE], /expires_in/],
      ["33 tags", [...NAMED, ...Array.from({ length: 33 }, () => ["tags", "x"] as const), FILE], /tags|too many/],
      ["a huge field", [...NAMED, ["tags", "x".repeat(20_000)], FILE], /longer than/],
    ] as const,
  )("refuses %s with 422 and keeps nothing", async (_what, entries, message) => {
    const { call, uploads } = setUpUpload();
    expect(await refused(await call(ASSETS, await upload(entries)))).toMatchObject({
      status: 422,
      code: "invalid_request",
      message: expect.stringMatching(message),
    });
    expect(uploads).toEqual([]);
  });

  it.each([["application/json", "{}"], ["image/png", "abc"], ["multipart/form-data", "abc"]])(
    "refuses %s with 400",
    async (type, body) => {
      const { call } = setUpUpload();
      const response = await call(ASSETS, { method: "POST", headers: { "content-type": type }, body });
      expect(await refused(response)).toMatchObject({ status: 400, code: "invalid_request" });
    },
  );

  it("keeps nothing of a form that breaks off after its file, and says what the store says of a file", async () => {
    const { call, uploads } = setUpUpload();
    const whole = await upload([...NAMED, FILE]);
    const response = await call(ASSETS, { ...whole, body: whole.body.slice(0, -4) });
    expect(await refused(response)).toMatchObject({ status: 400, code: "upload_interrupted" });
    expect(uploads).toEqual([]);
    const mismatch = setUpV2({
      assets: { upload: () => Promise.reject(new FleetError("hash_mismatch", "Cannot store")) },
    });
    expect(await refused(await mismatch.call(ASSETS, await upload([...NAMED, FILE])))).toMatchObject({
      status: 409,
      code: "hash_mismatch",
    });
  });

  it("refuses by its length what is too large for any form, before reading it", async () => {
    const { call } = setUpUpload();
    const headers = { "content-type": "multipart/form-data; boundary=x", "content-length": "9000000000" };
    const response = await call(ASSETS, { method: "POST", headers, body: "x" });
    expect(await refused(response)).toMatchObject({ status: 413, code: "payload_too_large" });
  });

  it("waits a minute for the fields of a form, and no longer", async () => {
    const { call, clock } = setUpUpload();
    const body = new ReadableStream<Uint8Array>();
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const answer = call(ASSETS, { method: "POST", headers, body });
    await clock.advance(60_000);
    expect(await refused(await answer)).toMatchObject({ status: 400, code: "upload_interrupted" });
  });
});
