import { describe, expect, it } from "vitest";
import { createAuthKey } from "../../../../agent/tailnet/auth-key.ts";

const failing = (code: string) => () => Promise.reject(Object.assign(new Error(`${code}: no`), { code }));

describe("createAuthKey()", () => {
  it("takes a file that is gone for no key", async () => {
    expect(await createAuthKey("file:/run/key", failing("ENOENT")).read()).toBeNull();
  });

  it.each([
    ["EACCES", "permission denied"],
    ["EISDIR", "it is a folder"],
    ["EIO", "EIO"],
  ])("says that it cannot be read when reading ends with %s", async (code, reason) => {
    await expect(createAuthKey("file:/run/key", failing(code)).read()).rejects.toMatchObject({
      code: "invalid_input",
      message: `Cannot read the key: /run/key: ${reason}`,
      hint: expect.stringContaining("belongs to the user"),
    });
  });
});
