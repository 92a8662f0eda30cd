import { describe, expect, it } from "vitest";
import { PartnerKey, redactError, redactJson, redactText, redactValue } from "../../../contracts/partner-key.ts";

const KEY = "comfyui-0123456789";

describe("PartnerKey", () => {
  it("takes any text of 1 to 1,024 characters", () => {
    for (const good of ["a", KEY, "x".repeat(1_024)]) expect(PartnerKey.parse(good)).toBe(good);
    for (const bad of ["", "x".repeat(1_025), 1, null]) expect(PartnerKey.safeParse(bad).success).toBe(false);
  });
});

describe("redactText()", () => {
  it("takes every secret out, wherever it stands", () => {
    expect(redactText(`${KEY}: refused ${KEY}, other-secret`, [KEY, "other-secret"]))
      .toBe("[redacted]: refused [redacted], [redacted]");
    expect(redactText("nothing of it", [KEY])).toBe("nothing of it");
  });

  it("leaves what is too short to be a secret", () => {
    expect(redactText("an error", ["error"])).toBe("an error");
  });
});

describe("redactJson() and redactValue()", () => {
  it.each([KEY, 'quote"back\\slash', "line\nbreak", "schlüssel-🔑", '":[0],"x":"'])(
    "take out %j and leave JSON",
    (secret) => {
      const value = { message: `no: ${secret}`, list: [secret, 1, null], nested: { inner: secret } };
      const clean = { message: "no: [redacted]", list: ["[redacted]", 1, null], nested: { inner: "[redacted]" } };
      expect(JSON.parse(redactJson(JSON.stringify(value), [secret]))).toEqual(clean);
      expect(redactValue(value, [secret])).toEqual(clean);
    },
  );

  it("leave a value without secrets as it is", () => {
    const value = { message: KEY };
    expect(redactValue(value, [])).toBe(value);
  });

  it.each(["104857600", "null,null", "nodeErrors", "execution_failed"])("leave JSON and schemas of %j", (secret) => {
    const details = { maxBytes: 104_857_600, sizes: [null, null, null], nodeErrors: {} };
    expect(redactValue(details, [secret])).toEqual(details);
    const error = { code: "execution_failed", message: `no: ${secret}` } as const;
    expect(redactError(error, [secret])).toEqual({ code: "execution_failed", message: "no: [redacted]" });
  });
});
