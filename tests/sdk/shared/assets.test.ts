/** `@comfyorg/sdk`, unmodified: uploads, the same bytes again, assets in graphs, downloads, and their end. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { BlobNotFound, ComfyError, HashMismatch, InvalidWorkflow, MissingAsset, NotFound } from "@comfyorg/sdk";
import { blake3 } from "hash-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../../support/fleet/fleet.ts";
import { gradientPath } from "../../support/fleet/workflows.ts";
import { differenceFromRecording } from "../../support/real-comfy/compare-pictures.ts";
import { inverted, picture } from "../../support/sdk/graphs.ts";
import { askV2, postV2 } from "../../support/sdk/raw.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

const gradient = readFileSync(gradientPath);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const unique = (size = 64) => new Uint8Array(randomBytes(size));

describe.each(EDGE_RUNTIMES)("assets of the official SDK on an edge on %s", (runtime) => {
  let stage: Stage;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "comfyfleet-sdk-"));
    stage = await startStage({ runtime });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const contentOf = async (id: string, headers: Record<string, string> = {}) => {
    const { baseUrl, apiKey } = stage.target;
    const url = `${baseUrl}/api/v2/assets/${id}/content`;
    const response = await fetch(url, { headers: { ...headers, authorization: `Bearer ${apiKey}` } });
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
  };

  it("fromFile(), fromBytes() and fromStream() bring the bytes, and the same bytes again bring none", async () => {
    const sdk = stage.sdk();
    const bytes = unique(70_000);
    const path = join(folder, "noise.bin");
    writeFileSync(path, bytes);
    const first = sdk.assets.fromFile(path);
    const id = await first.commit();
    expect(first).toMatchObject({ createdNew: true, filePath: "noise.bin", jobId: undefined });
    expect(sha256((await contentOf(id)).bytes)).toBe(sha256(bytes));

    const again = sdk.assets.fromBytes(bytes, { filename: "noise.bin" });
    expect(await again.commit()).toBe(id);
    expect(again.createdNew).toBe(false);

    const streamed = await sdk.assets.fromStream(Readable.from([bytes]), { filename: "other.bin" });
    const otherId = await streamed.commit();
    expect(streamed.createdNew).toBe(false);
    expect(sha256((await contentOf(otherId)).bytes)).toBe(sha256(bytes));

    const known = await sdk.assets.get(id);
    expect(known).toMatchObject({ id, filePath: "noise.bin" });
    expect(await known.hash()).toBe(`blake3:${await blake3(bytes)}`);
  });

  it("fromUrl() takes what the edge itself serves by a signed address", async () => {
    const sdk = stage.sdk();
    const id = await sdk.assets.fromBytes(unique(), { filename: "a.bin" }).commit();
    const { url } = await stage.low().getAsset(id);
    const copy = await sdk.assets.fromUrl(url);
    expect(await copy.hash()).toBe(await (await sdk.assets.get(id)).hash());
  });

  it("an asset in a graph is the picture that a node loads", async () => {
    const sdk = stage.sdk();
    const workflow = sdk.workflows.fromJson(inverted(null));
    const asset = sdk.assets.fromFile(gradientPath);
    workflow.setInput("1", "image", asset);
    const job = await sdk.run(workflow);
    const [output] = job.getOutputs("3");
    const path = join(folder, "inverted.png");
    expect(await output?.toFile(path)).toBe(path);
    expect(await differenceFromRecording(readFileSync(path), "workflow-invert-upload-0.png")).toBe(0);

    const { workflow: stored } = await job.getWorkflow();
    const reference = { __type: "core/ASSET", info: { id: asset.id } };
    expect(stored).toMatchObject({ "1": { class_type: "LoadImage", inputs: { image: reference } } });
  });

  it("a graph may name an uploaded file", async () => {
    const sdk = stage.sdk();
    await sdk.assets.fromBytes(gradient, { filename: "by-name.png" }).commit();
    const job = await sdk.run(sdk.workflows.fromJson(inverted("by-name.png")));
    const bytes = await job.outputs[0]?.toBytes() ?? new Uint8Array();
    expect(await differenceFromRecording(bytes, "workflow-invert-upload-0.png")).toBe(0);
    const unknown = sdk.submit(sdk.workflows.fromJson(inverted("never-uploaded.png")));
    await expect(unknown).rejects.toBeInstanceOf(InvalidWorkflow);
  });

  it("a download may be a part, and says how large the whole is", async () => {
    const sdk = stage.sdk();
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    const [output] = job.outputs;
    const whole = await output?.toBytes() ?? new Uint8Array();
    const part = await output?.toBytes({ range: [1, 5] });
    expect(part).toEqual(whole.subarray(1, 6));
    expect(await contentOf(output?.id ?? "", { range: "bytes=999999-" })).toMatchObject({ status: 416 });
    expect(await contentOf(output?.id ?? "", { range: "bytes=0-0" })).toMatchObject({ status: 206 });
  });

  it("getDownloadUrl() is an address of the bytes that needs no key", async () => {
    const sdk = stage.sdk();
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    const [output] = job.outputs;
    const { url } = await output?.getDownloadUrl() ?? { url: "" };
    expect(new URL(url).origin).toBe(stage.target.baseUrl);
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(await output?.toBytes());
  });

  it("the url of an output needs no key, and is good for that output alone", async () => {
    const sdk = stage.sdk();
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    const { outputs: [output] } = await stage.low().getJob(job.id);
    if (!output) throw new Error("there is no output");
    const signed = new URL(output.url);
    expect(signed.origin).toBe(stage.target.baseUrl);
    const response = await fetch(signed);
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(await job.outputs[0]?.toBytes());
    const inMs = Date.parse(output.url_expires_at) - Date.now();
    expect(inMs).toBeGreaterThan(0);

    const other = await sdk.assets.fromBytes(unique(), { filename: "secret.bin" }).commit();
    const moved = new URL(signed.href.replace(output.id, other));
    const unsigned = new URL(signed.origin + signed.pathname);
    const later = new URL(signed);
    later.searchParams.set("expires", String(Number(later.searchParams.get("expires")) + 60));
    for (const url of [moved, unsigned, later]) expect((await fetch(url)).status).toBe(401);
  });

  it("delete() removes an upload once", async () => {
    const sdk = stage.sdk();
    const asset = sdk.assets.fromBytes(unique(), { filename: "short-lived.bin" });
    const id = await asset.commit();
    const hash = await asset.hash();
    await asset.delete();
    expect(asset.id).toBeUndefined();
    await expect(sdk.assets.delete(id)).rejects.toBeInstanceOf(NotFound);
    await expect(sdk.assets.get(id)).rejects.toBeInstanceOf(NotFound);
    expect((await contentOf(id)).status).toBe(404);
    expect(await stage.low().headAssetByHash(hash)).toBe(false);
  });

  it("delete() of what a job needs, or of its output, is refused", async () => {
    const sdk = stage.sdk();
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    const refused = sdk.assets.delete(job.outputs[0]?.id ?? "");
    await expect(refused).rejects.toMatchObject({ code: "asset_in_use", httpStatus: 409 });
    expect((await job.outputs[0]?.toBytes())?.byteLength).toBeGreaterThan(0);
  });

  it("a wrong expected hash is refused, and nothing is kept", async () => {
    const bytes = unique();
    const hash = `blake3:${await blake3(bytes)}`;
    const low = stage.low();
    const wrong = low.postAssets(new Blob([bytes]), "application/octet-stream", "wrong.bin", {
      expectedHash: `blake3:${"0".repeat(64)}`,
    });
    await expect(wrong).rejects.toMatchObject({ code: "hash_mismatch", httpStatus: 409 });
    expect(await low.headAssetByHash(hash)).toBe(false);
    await expect(low.assetFromHash(hash)).rejects.toMatchObject({ code: "blob_not_found", httpStatus: 404 });
    expect([HashMismatch, BlobNotFound].every((one) => one.prototype instanceof ComfyError)).toBe(true);
    const right = await low.postAssets(new Blob([bytes]), "text/plain", "right.bin", { expectedHash: hash });
    expect(right).toMatchObject({ hash, size_bytes: 64, content_type: "text/plain", created_new: true });
    expect(await low.headAssetByHash(hash)).toBe(true);
  });

  it("an upload's key is single-use, and its lifetime can be asked for", async () => {
    const low = stage.low();
    const key = crypto.randomUUID();
    const upload = () => low.postAssets(new Blob([unique()]), "text/plain", "k.txt", { idempotencyKey: key });
    await upload();
    await expect(upload()).rejects.toMatchObject({ code: "idempotency_key_reuse", httpStatus: 422 });

    const bytes = unique();
    await low.postAssets(new Blob([bytes]), "text/plain", "for-good.txt");
    const body = { hash: `blake3:${await blake3(bytes)}`, file_path: "for-an-hour.txt", expires_in: 3_600 };
    const answer = await postV2(stage.target, "/assets/from-hash", body);
    expect(answer.status).toBe(201);
    const { expires_at } = JSON.parse(answer.text) as { expires_at: string };
    expect(Math.abs(Date.parse(expires_at) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });

  it("an asset that is not there, or another tenant's, is missing in a graph", async () => {
    const sdk = stage.sdk();
    const gone = { __type: "core/ASSET", info: { id: crypto.randomUUID() } };
    await expect(sdk.submit(sdk.workflows.fromJson(inverted(gone)))).rejects.toBeInstanceOf(MissingAsset);
    const tenant = await stage.fleet.client.trpc.tenants.create.mutate({ name: "other" });
    const { key } = await stage.fleet.client.trpc.keys.create.mutate({ tenantId: tenant.id });
    const id = await sdk.assets.fromBytes(gradient, { filename: "mine.png" }).commit();
    const other = stage.sdk({ apiKey: key });
    await expect(other.assets.get(id)).rejects.toBeInstanceOf(NotFound);
    const theirs = inverted({ __type: "core/ASSET", info: { id } });
    await expect(other.submit(other.workflows.fromJson(theirs))).rejects.toBeInstanceOf(MissingAsset);
  });

  it("a file may say where it lies, but not outside", async () => {
    const low = stage.low();
    const asset = await low.postAssets(new Blob([unique()]), "image/png", "set one/photo.png");
    expect(asset.file_path).toBe("set one/photo.png");
    for (const path of ["../up.png", "/root.png", "a/../../b.png", "a//b.png", ""]) {
      const form = new FormData();
      form.append("content_type", "image/png");
      form.append("file_path", path);
      form.append("file", new Blob([unique()]), "x");
      const answer = await askV2(stage.target, "/assets", { method: "POST", body: form });
      expect([path, answer.status]).toEqual([path, 422]);
    }
  });
});
