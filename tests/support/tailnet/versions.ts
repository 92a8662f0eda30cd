// Whether the programs that somebody names are of the versions that the suite is written for.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { runCommand } from "../real-comfy/run-command.ts";

/** As tests/tailnet/tools/tailscale/go.mod has it, and what is stamped into the binary. */
export const TAILSCALE = "1.102.3";

const HEADSCALE_MODULE = fileURLToPath(new URL("../../tailnet/tools/headscale/go.mod", import.meta.url));
const TIMEOUT_MS = 20_000;

/** Without the `v` of a module's version. */
export async function headscalePinned(): Promise<string> {
  const found = /^\s*github\.com\/juanfont\/headscale v(\S+)/m.exec(await readFile(HEADSCALE_MODULE, "utf8"))?.[1];
  if (found === undefined) throw new Error(`Cannot tell headscale's version: ${HEADSCALE_MODULE} does not name it`);
  return found;
}

/** The first word of `1.102.3\n  long version: …`. */
async function tailscaledIn(dir: string, signal: AbortSignal): Promise<string> {
  return (await runCommand([join(dir, "tailscaled"), "--version"], { signal })).split(/\s/, 1)[0] ?? "";
}

/** As JSON, because headscale else asks outside for a newer one. */
async function headscaleIn(dir: string, signal: AbortSignal): Promise<string> {
  const said = await runCommand([join(dir, "headscale"), "version", "-o", "json"], { signal });
  return z.object({ version: z.string() }).parse(JSON.parse(said)).version.replace(/^v/, "");
}

/** @throws Error with both versions, or when a program does not say its own */
export async function requirePinned(dir: string): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const programs = [
    { name: "tailscaled", pinned: TAILSCALE, ask: tailscaledIn },
    { name: "headscale", pinned: await headscalePinned(), ask: headscaleIn },
  ];
  for (const { name, pinned, ask } of programs) {
    const found = await ask(dir, signal).catch((cause: unknown) => {
      throw new Error(`Cannot use ${join(dir, name)}: it does not say its version`, { cause });
    });
    if (found === pinned) continue;
    throw new Error(
      `Cannot use ${join(dir, name)}: it is version ${found || "unknown"}, and the suite is written for ${pinned}\n` +
        "Hint: leave TAILNET_BIN out, and both are built from their pinned modules.",
    );
  }
}
