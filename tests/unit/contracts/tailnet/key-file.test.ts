import { describe, expect, it } from "vitest";
import { isBareKey } from "../../../../contracts/tailnet/key-file.ts";

describe("isBareKey()", () => {
  it.each([["tskey-auth-x", true], ["file:/run/key", false], ["", false], [" ", false], [undefined, false]])(
    "of %s is %s",
    (setting, is) => {
      expect(isBareKey(setting)).toBe(is);
    },
  );
});
