import { describe, expect, it } from "vitest";
import { ensureOk, streamRefusal, toClientError } from "../../../client/errors.ts";
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

describe("streamRefusal()", () => {
  it("keeps what the edge says in tRPC's shape, and has words of its own where it says nothing", async () => {
    const fleet = new FleetError("conflict", "Cannot read ComfyUI's log", { hint: "Read it there." }).toEnvelope("r-2");
    const said = Response.json({ error: { json: { message: "m", code: -32603, data: { fleet } } } }, { status: 409 });
    expect(await streamRefusal(said, EDGE)).toMatchObject({
      code: "conflict",
      hint: "Read it there.",
      requestId: "r-2",
    });
    const bare = (status: number) => streamRefusal(new Response("<html>", { status }), EDGE);
    expect(await bare(401)).toMatchObject({ code: "unauthorized" });
    expect(await bare(403)).toMatchObject({ code: "forbidden" });
    expect(await bare(502)).toMatchObject({ code: "edge_unreachable", retryable: true });
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
