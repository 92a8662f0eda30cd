import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputStore } from "../../../../agent/attempts/input-store.ts";
import { inputResponse } from "../../../../agent/http/input-route.ts";
import { createSilentLogger } from "../../../support/comfy/silent-logger.ts";

let folder: string;
let inputs: InputStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cf-inputs-"));
  inputs = await InputStore.open({
    folder: join(folder, "inputs"),
    partFolder: join(folder, "part"),
    maxInputBytes: 100,
    maxStoreBytes: 1_000,
    pinned: () => new Set(),
    now: () => Date.now(),
    logger: createSilentLogger(),
  });
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const BYTES = new TextEncoder().encode("picture");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

/** One byte every `everyMs`, then silence unless all of them were sent. */
function slowBody(everyMs: number, count: number) {
  const state = { canceled: false };
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent === count && count < BYTES.length) return await new Promise(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      if (sent === BYTES.length) controller.close();
      else controller.enqueue(BYTES.subarray(sent, ++sent));
    },
    cancel: () => void (state.canceled = true),
  }, { highWaterMark: 0 });
  return { state, body };
}

function put(body: ReadableStream<Uint8Array>, paceBytes = 1): Promise<Response> {
  const init = { method: "PUT", body, duplex: "half" } as RequestInit;
  const request = new Request(`http://agent/inputs/${SHA256}`, init);
  return inputResponse(request, SHA256, { inputs, maxInputBytes: 100, stallMs: 300, paceBytes });
}

describe("inputResponse()", () => {
  it("gives up an upload without a byte for long, removes its part and lets go of the connection", async () => {
    const { state, body } = slowBody(1, 3);
    await expect(put(body)).rejects.toMatchObject({ code: "upload_interrupted" });
    expect([state.canceled, await readdir(join(folder, "part")), inputs.has(SHA256)]).toEqual([true, [], false]);
  });

  it("gives up an upload that drips, however long it would go on", async () => {
    const { state, body } = slowBody(100, BYTES.length);
    await expect(put(body, 100)).rejects.toMatchObject({ code: "upload_interrupted" });
    expect([state.canceled, await readdir(join(folder, "part"))]).toEqual([true, []]);
  });

  it("takes a slow upload that goes on", async () => {
    const { body } = slowBody(60, BYTES.length);
    expect((await put(body)).status).toBe(201);
    expect(inputs.has(SHA256)).toBe(true);
  });
});
