import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeCredentials } from "../../../../cli/credentials.ts";
import { loadSecrets } from "../../../../cli/up/local-secrets.ts";

describe("loadSecrets()", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "comfyfleet-secrets-")), "data");
    path = join(folder, "secrets.json");
  });
  afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

  it("mints them once, for this user only", () => {
    const first = loadSecrets(folder);
    expect(first).toMatchObject({ minted: true, apiKey: expect.stringMatching(/^cfl_/) });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadSecrets(folder)).toEqual({ ...first, minted: false });
  });

  it("finds the key again in the saved credentials when secrets.json is gone: the edge's store knows that one", () => {
    const { apiKey } = loadSecrets(folder);
    writeCredentials(folder, { baseUrl: "http://127.0.0.1:8080", apiKey });
    rmSync(path);
    expect(loadSecrets(folder)).toMatchObject({ apiKey, minted: false });
  });

  it("does not write over a secrets.json that it cannot read", () => {
    loadSecrets(folder);
    writeFileSync(path, "{");
    expect(() => loadSecrets(folder)).toThrow(
      expect.objectContaining({ code: "invalid_input", message: `Cannot read '${path}'` }),
    );
  });

  it("names a folder in which nothing can be made", () => {
    expect(() => loadSecrets("/proc/nothing")).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining("--data") }),
    );
  });
});
