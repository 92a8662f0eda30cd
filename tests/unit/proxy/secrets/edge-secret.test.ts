import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EdgeSecret, openEdgeSecret } from "../../../../proxy/secrets/edge-secret.ts";

const hexOf = (secret: EdgeSecret) => Buffer.from(secret.keyFor("asset-url")).toString("hex");
const modeOf = (path: string) => statSync(path).mode & 0o777;

/** Computed with HMAC-SHA256 as RFC 5869 says. */
const KNOWN_KEYS = [
  "c1ec76085a658a9c38dbf0123e9ca47a11a31bb9598e3ab36e0b29c31957da25",
  "e7f24ac5881567edaf7576dbdb24daa3d7a942860736650ebb3e233bebee98f4",
];

describe("openEdgeSecret()", () => {
  let folder: string;
  let dataDir: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "edge-secret-"));
    dataDir = join(folder, "edge");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const file = () => join(dataDir, "secret.key");

  it("makes a private file at the first start, and keeps it", () => {
    const first = openEdgeSecret({ dataDir });
    expect(readFileSync(file(), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect([modeOf(file()), modeOf(dataDir)]).toEqual([0o600, 0o700]);
    expect(readdirSync(dataDir)).toEqual(["secret.key"]);
    expect(hexOf(openEdgeSecret({ dataDir }))).toBe(hexOf(first));
  });

  it("makes another one in another folder", () => {
    expect(hexOf(openEdgeSecret({ dataDir }))).not.toBe(hexOf(openEdgeSecret({ dataDir: join(folder, "b") })));
  });

  it("leaves the secret of whoever was first", () => {
    const randomBytes = (size: number) => {
      // The other edge comes between our look and our file.
      writeFileSync(file(), "ab".repeat(32), { mode: 0o600 });
      return new Uint8Array(size);
    };
    const ours = openEdgeSecret({ dataDir, randomBytes });
    expect(readFileSync(file(), "utf8")).toBe("ab".repeat(32));
    expect(hexOf(ours)).toBe(hexOf(openEdgeSecret({ dataDir, given: "ab".repeat(32) })));
    expect(readdirSync(dataDir)).toEqual(["secret.key"]);
  });

  it("makes a file private that others could read", () => {
    const first = openEdgeSecret({ dataDir });
    chmodSync(file(), 0o644);
    expect(hexOf(openEdgeSecret({ dataDir }))).toBe(hexOf(first));
    expect(modeOf(file())).toBe(0o600);
  });

  it.each(["", "ab", "zz".repeat(32), "ab".repeat(33)])("refuses a file that holds %j and leaves it", (text) => {
    openEdgeSecret({ dataDir });
    writeFileSync(file(), text);
    expect(() => openEdgeSecret({ dataDir })).toThrow(/Cannot use .*secret\.key: it is not 64 hex digits/);
    expect(readFileSync(file(), "utf8")).toBe(text);
  });

  it("takes a given secret, in either case, and makes no file", () => {
    const given = "0aF3".repeat(16);
    expect(hexOf(openEdgeSecret({ dataDir, given }))).toBe(
      hexOf(openEdgeSecret({ dataDir, given: given.toLowerCase() })),
    );
    expect(readdirSync(folder)).toEqual([]);
    expect(() => openEdgeSecret({ dataDir, given: "short" })).toThrow(/EDGE_SECRET_KEY/);
  });

  it("derives another key for every purpose, and shows the secret in none", () => {
    const given = "0123456789abcdef".repeat(4);
    const secret = openEdgeSecret({ dataDir, given });
    const keys = [hexOf(secret), Buffer.from(secret.keyFor("sealed-box")).toString("hex")];
    // What was signed and sealed by an earlier build must stay good: HKDF-SHA256, no salt, `comfyfleet PURPOSE v1`.
    expect(keys).toEqual(KNOWN_KEYS);
    expect(JSON.stringify(secret)).toBe("{}");
  });
});
