/** Where our own programs are: beside this file, as source (`.ts`) in a checkout and as `.js` in the package. */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const EXTENSION = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const ROOT = new URL("../../", import.meta.url);

/** Path of an entry module, e.g. `entryPath("agent/main")`. */
export function entryPath(name: string): string {
  return fileURLToPath(new URL(`${name}${EXTENSION}`, ROOT));
}

export function findDeno(env: Record<string, string | undefined>): string | null {
  const folders = [fileURLToPath(new URL("node_modules/.bin", ROOT)), ...(env.PATH ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, "deno")).find((path) => existsSync(path)) ?? null;
}

/**
 * The edge's flags on Deno, from the one file that holds them.
 * @param socketPath of a tailscaled outside of the data folder, which it must be let to open
 */
export function denoEdgeFlags(dataDir: string, socketPath?: string): string[] {
  const path = fileURLToPath(new URL("proxy/deno-flags.json", ROOT));
  const { flags } = z.object({ flags: z.array(z.string()) }).parse(JSON.parse(readFileSync(path, "utf8")));
  return flags.map((flag) => flag.replace("{dataDir}", socketPath ? `${dataDir},${socketPath}` : dataDir));
}
