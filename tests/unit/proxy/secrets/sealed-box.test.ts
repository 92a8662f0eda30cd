import { describe, expect, it } from "vitest";
import type { EdgeSecret } from "../../../../proxy/secrets/edge-secret.ts";
import { createSealedBox } from "../../../../proxy/secrets/sealed-box.ts";

const secretOf = (byte: number): EdgeSecret => ({ keyFor: () => new Uint8Array(32).fill(byte) });
const box = createSealedBox({ secret: secretOf(3) });

describe("createSealedBox()", () => {
  it.each(["comfyui-0123456789abcdef", "", "ключ 🔑", "x".repeat(1_024)])("opens what it sealed: %s", (text) => {
    const sealed = box.seal(text, "job_a");
    expect(box.open(sealed, "job_a")).toBe(text);
    expect(createSealedBox({ secret: secretOf(3) }).open(sealed, "job_a")).toBe(text);
    if (text !== "") expect(Buffer.from(sealed, "base64url").includes(text)).toBe(false);
  });

  it("seals the same text differently every time", () => {
    expect(box.seal("text", "job_a")).not.toBe(box.seal("text", "job_a"));
  });

  it("stays shut for another owner and with another secret", () => {
    const sealed = box.seal("text", "job_a");
    expect(box.open(sealed, "job_b")).toBeNull();
    expect(createSealedBox({ secret: secretOf(4) }).open(sealed, "job_a")).toBeNull();
  });

  it("stays shut when any byte of it was changed or is missing", () => {
    const bytes = Buffer.from(box.seal("text", "job_a"), "base64url");
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(box.open(damaged.toString("base64url"), "job_a")).toBeNull();
      expect(box.open(bytes.subarray(0, at).toString("base64url"), "job_a")).toBeNull();
    }
    expect(box.open("no base64url!", "job_a")).toBeNull();
  });
});
