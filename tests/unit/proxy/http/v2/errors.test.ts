import { describe, expect, it } from "vitest";
import { ERROR_CODES, type ErrorCode, FleetError } from "../../../../../contracts/errors.ts";
import { v2ErrorResponse, wrongField } from "../../../../../proxy/http/v2/errors.ts";
import { assetIdAt, refused, uuid } from "./v2-fixture.ts";

const answerTo = (code: ErrorCode, options = {}) => v2ErrorResponse(new FleetError(code, "Cannot do it: no", options));

/** What the contract says of its own codes, and what a 429 must carry. */
const CONTRACT: Record<string, number> = {
  invalid_workflow: 422,
  workflow_format_ui: 422,
  missing_asset: 422,
  hash_mismatch: 409,
  blob_not_found: 404,
  idempotency_key_reuse: 422,
  asset_in_use: 409,
  queue_full: 429,
  rate_limited: 429,
  too_many_streams: 429,
  not_found: 404,
  unauthorized: 401,
  forbidden: 403,
};

describe("v2ErrorResponse", () => {
  it("answers in the contract's shape for every code of ours, with Retry-After on every 429", async () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const response = answerTo(code);
      const { status } = response;
      const body = await refused(response);
      if (code in CONTRACT) expect({ code: body.code, status }).toEqual({ code, status: CONTRACT[code] });
      if (status === 429) expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    }
  });

  it("says nothing of what it does not know", async () => {
    for (const error of [new Error("SQLITE_BUSY at /data/edge.db"), "boom", new FleetError("internal", "secret")]) {
      const body = await refused(v2ErrorResponse(error));
      expect(body).toMatchObject({ status: 500, code: "upstream_error", details: null });
      expect(body.message).not.toMatch(/SQLITE|boom|secret/);
    }
  });

  it("tells wrong fields with 422 and what cannot be read with 400, both as invalid_request", async () => {
    expect(await refused(answerTo("invalid_input"))).toMatchObject({ status: 400, code: "invalid_request" });
    expect(await refused(answerTo("invalid_json"))).toMatchObject({ status: 400, code: "invalid_request" });
    const wrong = wrongField("Cannot read it: x", { hint: "Mend x." });
    expect(await refused(v2ErrorResponse(wrong))).toMatchObject({
      status: 422,
      code: "invalid_request",
      message: "Cannot read it: x. Mend x.",
    });
  });

  it("writes ids as UUIDs and details in v2's names", async () => {
    const id = assetIdAt(7);
    const error = new FleetError("missing_asset", `Cannot run workflow: asset '${id}' does not exist`, {
      hint: "Mend the inputs in details.nodeErrors.",
      details: { assetIds: [id], nodeErrors: { "1": [{ field: "image", reason: `No ${id}` }] }, retryAfterMs: 5 },
    });
    expect(await refused(v2ErrorResponse(error))).toMatchObject({
      message: `Cannot run workflow: asset '${uuid(7)}' does not exist. Mend the inputs in details.node_errors.`,
      details: { asset_ids: [uuid(7)], node_errors: { "1": [{ field: "image", reason: `No ${uuid(7)}` }] } },
    });
  });

  it("rounds Retry-After up to whole seconds, and asks for a key with 401", () => {
    const error = new FleetError("queue_full", "Cannot queue", { retryAfterMs: 1_200 });
    expect(v2ErrorResponse(error).headers.get("retry-after")).toBe("2");
    expect(answerTo("edge_stopping").headers.get("retry-after")).toBe("1");
    expect(answerTo("not_found").headers.get("retry-after")).toBeNull();
    expect(answerTo("unauthorized").headers.get("www-authenticate")).toBe("Bearer");
  });
});
