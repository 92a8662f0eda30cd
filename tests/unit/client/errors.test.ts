import { describe, expect, it } from "vitest";
import { ensureOk, toClientError } from "../../../client/errors.ts";
import { FleetError } from "../../../contracts/errors.ts";

const EDGE = "http://edge";

describe("ensureOk()", () => {
  it("passes a success through and rejects with the envelope of a refusal", async () => {
    const fine = new Response("bytes");
    expect(await ensureOk(fine, EDGE)).toBe(fine);
    const envelope = new FleetError("payload_too_large", "Cannot store it", { hint: "Send less." }).toEnvelope("r-1");
    const refused = Response.json({ error: envelope }, { status: 413 });
    await expect(ensureOk(refused, EDGE)).rejects.toMatchObject({
      code: "payload_too_large",
      hint: "Send less.",
      requestId: "r-1",
      retryable: false,
    });
  });

  it.each(["<html>", '{"error":"no"}', "null", ""])("says that %j comes from no edge", async (body) => {
    const foreign = new Response(body, { status: 502 });
    await expect(ensureOk(foreign, EDGE)).rejects.toMatchObject({
      code: "edge_unreachable",
      message: expect.stringContaining("HTTP 502"),
    });
  });
});

describe("toClientError()", () => {
  it("keeps our errors and aborts, and calls what is left unreachable", () => {
    const ours = new FleetError("not_found", "Cannot find it");
    expect(toClientError(ours, EDGE)).toBe(ours);
    const abort = new DOMException("stop", "AbortError");
    expect(toClientError(abort, EDGE)).toBe(abort);
    const cause = new TypeError("fetch failed");
    expect(toClientError(cause, EDGE)).toMatchObject({ code: "edge_unreachable", retryable: true, cause });
  });
});
