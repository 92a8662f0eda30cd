import { describe, expect, it } from "vitest";
import { readLimited } from "../../../../contracts/http/body-limit.ts";

const limit = { maxBytes: 10, setting: "MAX", withinMs: 100 };

/** A request whose body begins and then says nothing more. */
function stalled(headers: Record<string, string> = {}): Request {
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array([123])) });
  return new Request("http://edge/x", { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

describe("readLimited()", () => {
  it("hands on the text of a body within the limits, with and without a length", async () => {
    const sized = new Request("http://edge/x", { method: "POST", body: "{}", headers: { "content-length": "2" } });
    expect(await (await readLimited(sized, limit)).text()).toBe("{}");
    const chunked = new Request("http://edge/x", { method: "POST", body: "{}" });
    expect(await (await readLimited(chunked, limit)).text()).toBe("{}");
    expect(await (await readLimited(new Request("http://edge/x"), limit)).text()).toBe("");
  });

  it("refuses what is too large, by its length and by its bytes", async () => {
    const init = { method: "POST", body: "x".repeat(11) };
    const sized = new Request("http://edge/x", { ...init, headers: { "content-length": "11" } });
    await expect(readLimited(sized, limit)).rejects.toMatchObject({ code: "payload_too_large" });
    await expect(readLimited(new Request("http://edge/x", init), limit)).rejects.toMatchObject({ status: 413 });
  });

  it("gives up a body that does not come in time, with and without a length", async () => {
    await expect(readLimited(stalled(), limit)).rejects.toMatchObject({ code: "upload_interrupted" });
    const sized = await readLimited(stalled({ "content-length": "9" }), limit);
    await expect(sized.text()).rejects.toMatchObject({ code: "upload_interrupted", retryable: true });
  });
});
