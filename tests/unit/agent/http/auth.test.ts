import { describe, expect, it } from "vitest";
import { requireSecret } from "../../../../agent/http/auth.ts";

describe("requireSecret()", () => {
  const check = requireSecret("open sesame");
  it("lets the secret in", () => expect(check("Bearer open sesame")).toBeUndefined());
  it.each([undefined, "", "open sesame", "Bearer open sesame ", "Bearer open", "bearer open sesame"])(
    "refuses %j",
    (authorization) => expect(() => check(authorization)).toThrow(/secret is missing or wrong/),
  );
});
