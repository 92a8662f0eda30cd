import { describe, expect, it } from "vitest";
import { ErrorEnvelope } from "../../../../contracts/errors.ts";
import { closeMalformed, refuseMalformed } from "../../../../contracts/http/malformed.ts";

/** What is written to a connection about which the parser said this, and whether it was destroyed. */
function closed(code: string | undefined, writable = true) {
  const seen = { text: "", destroyed: false };
  closeMalformed({ code }, {
    writable,
    end(text, done) {
      seen.text = text;
      done();
    },
    destroy: () => void (seen.destroyed = true),
  });
  return seen;
}

describe("closeMalformed()", () => {
  it.each([
    ["HPE_HEADER_OVERFLOW", 431, "payload_too_large"],
    ["ERR_HTTP_REQUEST_TIMEOUT", 408, "timeout"],
    ["HPE_INVALID_METHOD", 400, "invalid_input"],
    [undefined, 400, "invalid_input"],
  ])("answers %s with %i and the envelope, then closes", (code, status, name) => {
    const { text, destroyed } = closed(code);
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain(`content-length: ${new TextEncoder().encode(body).byteLength}`);
    expect(head).toContain("connection: close");
    expect(ErrorEnvelope.parse(JSON.parse(body).error)).toMatchObject({ code: name, requestId: expect.any(String) });
    expect(destroyed).toBe(true);
  });

  it("says nothing to a connection that is gone", () => {
    expect(closed("ECONNRESET")).toEqual({ text: "", destroyed: true });
    expect(closed("HPE_INVALID_METHOD", false)).toEqual({ text: "", destroyed: true });
  });
});

describe("refuseMalformed()", () => {
  it("is 400 with the envelope and a request id", async () => {
    const response = refuseMalformed();
    expect(response.status).toBe(400);
    const { code, requestId } = ErrorEnvelope.parse((await response.json()).error);
    expect(code).toBe("invalid_input");
    expect(response.headers.get("x-request-id")).toBe(requestId);
  });
});
