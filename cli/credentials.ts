/** Which edge and key a command uses: flags, then environment, then what `up` left in the working folder. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { FleetError } from "../contracts/errors.ts";
import { makeFolder } from "./files/make-folder.ts";

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
  makeFolder(dirname(path), 0o700);
  writeFileSync(path, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

/** Scheme, host, port and path as they are compared: `http://Host:80/x/` and `http://host/x` are one edge. */
function normalized(baseUrl: string): string {
  try {
    const { origin, pathname } = new URL(baseUrl);
    return `${origin}${pathname.replace(/\/+$/, "")}`;
  } catch {
    return baseUrl;
  }
}

/**
 * The saved key is that of a local administrator: it goes to the edge that it was saved for and to no other, whoever
 * set the URL.
 * @throws FleetError `unauthorized` with what to set when nothing names an edge and a key.
 */
export function resolveCredentials(
  flags: { url?: string | undefined; key?: string | undefined },
  { env, command }: { env: Record<string, string | undefined>; command: string },
): Credentials {
  const saved = readCredentials(DEFAULT_DATA_DIR);
  const baseUrl = flags.url || env.COMFYFLEET_URL || saved?.baseUrl;
  if (!baseUrl) {
    throw new FleetError("unauthorized", "Cannot sign in: no edge is known", {
      hint: `Set COMFYFLEET_URL and COMFYFLEET_KEY, or run '${command} up' in this folder.`,
    });
  }
  const isSavedEdge = saved !== null && normalized(saved.baseUrl) === normalized(baseUrl);
  const apiKey = flags.key || env.COMFYFLEET_KEY || (isSavedEdge ? saved.apiKey : undefined);
  if (!apiKey) {
    throw new FleetError("unauthorized", `Cannot sign in: no API key is known for ${baseUrl}`, {
      hint: saved === null || isSavedEdge
        ? "Set COMFYFLEET_KEY, or name one with --key."
        : `Set COMFYFLEET_KEY, or name one with --key: the key saved in this folder is for ${saved.baseUrl} alone.`,
    });
  }
  return { baseUrl, apiKey };
}
