import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ensureBinaries } from "../../support/tailnet/binaries.ts";
import { headscalePinned, TAILSCALE } from "../../support/tailnet/versions.ts";

/** Two programs that say these versions in the words of the real ones. */
function folderWith(tailscaled: string, headscale: string): Disposable & { dir: string } {
  const dir = mkdtempSync(join(tmpdir(), "cf-bin-"));
  const program = (name: string, asked: string, said: string) =>
    writeFileSync(join(dir, name), `#!/bin/sh\n[ "$*" = "${asked}" ] || exit 9\ncat <<'END'\n${said}\nEND\n`, {
      mode: 0o755,
    });
  program("tailscaled", "--version", `${tailscaled}\n  long version: ${tailscaled}\n  go version: go1.26.8`);
  program("headscale", "version -o json", JSON.stringify({ version: `v${headscale}`, commit: "unknown" }));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

describe("ensureBinaries() with TAILNET_BIN", () => {
  it("takes programs of the pinned versions", async () => {
    using folder = folderWith(TAILSCALE, await headscalePinned());
    expect(await ensureBinaries({ env: { TAILNET_BIN: folder.dir } })).toBe(folder.dir);
  });

  it.each<[string, string | null, string | null]>([
    ["tailscaled", "1.98.4", null],
    ["headscale", null, "0.28.0"],
  ])("refuses another %s, with both versions", async (name, tailscaled, headscale) => {
    using folder = folderWith(tailscaled ?? TAILSCALE, headscale ?? await headscalePinned());
    const pinned = name === "tailscaled" ? TAILSCALE : await headscalePinned();
    await expect(ensureBinaries({ env: { TAILNET_BIN: folder.dir } })).rejects.toThrow(
      `Cannot use ${join(folder.dir, name)}: it is version ${
        tailscaled ?? headscale
      }, and the suite is written for ${pinned}`,
    );
  });

  it("refuses a program that says nothing, and a folder without one", async () => {
    using folder = folderWith(TAILSCALE, "0.0.0");
    writeFileSync(join(folder.dir, "headscale"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    await expect(ensureBinaries({ env: { TAILNET_BIN: folder.dir } })).rejects.toThrow("does not say its version");
    rmSync(join(folder.dir, "headscale"));
    await expect(ensureBinaries({ env: { TAILNET_BIN: folder.dir } })).rejects.toThrow("no program 'headscale'");
  });

  it("stamps the version that the module file pins", async () => {
    const file = await readFile(new URL("../../tailnet/tools/tailscale/go.mod", import.meta.url), "utf8");
    expect(file).toContain(`tailscale.com v${TAILSCALE}`);
  });
});
