import { describe, expect, it } from "vitest";
import { PartnerKey, redactJson, redactText, redactValue } from "../../../contracts/partner-key.ts";

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
      const value = { message: `no: ${secret}`, list: [secret, 1, null], nested: { [secret]: true } };
      const clean = { message: "no: [redacted]", list: ["[redacted]", 1, null], nested: { "[redacted]": true } };
      expect(JSON.parse(redactJson(JSON.stringify(value), [secret]))).toEqual(clean);
      expect(redactValue(value, [secret])).toEqual(clean);
    },
  );

  it("leave a value without secrets as it is", () => {
    const value = { message: KEY };
    expect(redactValue(value, [])).toBe(value);
  });
});
