/** Which edge and key a command uses: flags, then environment, then what `up` left in the working folder. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { FleetError } from "../contracts/errors.ts";

export const DEFAULT_DATA_DIR = ".comfyfleet";

const Credentials = z.object({ baseUrl: z.string(), apiKey: z.string() });
export type Credentials = z.infer<typeof Credentials>;

function credentialsPath(dataDir: string): string {
  return join(dataDir, "credentials.json");
}

export function readCredentials(dataDir: string): Credentials | null {
  try {
    return Credentials.parse(JSON.parse(readFileSync(credentialsPath(dataDir), "utf8")));
  } catch {
    return null;
  }
}

/** Readable by this user only. */
export function writeCredentials(dataDir: string, credentials: Credentials): string {
  const path = credentialsPath(dataDir);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

/** @throws FleetError `unauthorized` with what to set when nothing names an edge and a key. */
export function resolveCredentials(
  flags: { url?: string | undefined; key?: string | undefined },
  env: Record<string, string | undefined>,
): Credentials {
  const saved = readCredentials(DEFAULT_DATA_DIR);
  const baseUrl = flags.url ?? env.COMFYFLEET_URL ?? saved?.baseUrl;
  const apiKey = flags.key ?? env.COMFYFLEET_KEY ?? saved?.apiKey;
  if (!baseUrl || !apiKey) {
    throw new FleetError("unauthorized", `Cannot sign in: no ${baseUrl ? "API key" : "edge"} is known`, {
      hint: "Set COMFYFLEET_URL and COMFYFLEET_KEY, or run 'comfyfleet up' in this folder.",
    });
  }
  return { baseUrl, apiKey };
}
