/** A tailnet key that lies in a file, one that cannot be read there, and one that lies in none. Pure. */
import { FleetError } from "../errors.ts";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  ELOOP: "its links lead nowhere",
};

/**
 * Null when the file is gone, as that of a node that has joined may be; anything else must not pass for that.
 * @param error what reading rejected with
 */
export function unreadableKey(path: string, error: unknown): FleetError | null {
  const code = error instanceof Error && "code" in error ? String(error.code) : null;
  if (code === "ENOENT") return null;
  const reason = (code === null ? undefined : REASONS[code]) ?? code ?? "the reading failed";
  return new FleetError("invalid_input", `Cannot read the key: ${path}: ${reason}`, {
    hint: "It must be a file that belongs to the user this runs as ('chown' it to that user), of mode 0600.",
    cause: error,
  });
}

/** Whether a setting is the key itself: then everybody reads it who may look at this process's environment. */
export function isBareKey(setting: string | undefined): boolean {
  return setting !== undefined && setting.trim() !== "" && !setting.startsWith("file:");
}

export const BARE_KEY = "TS_AUTHKEY holds the key itself";
export const BARE_KEY_HINT =
  "It stays readable in this process's environment (/proc/PID/environ) for as long as it runs: " +
  "write the key into a file of mode 0600 and set TS_AUTHKEY=file:PATH.";
