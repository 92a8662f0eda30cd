/** Which tailscaled is too old. Pure. */

/** The oldest that is counted on: its bus sends what is read here, and it knows the settings of its keep-alive. */
export const OLDEST_TAILSCALED = "1.100";
export const UPDATE_TAILSCALED = `Run tailscaled ${OLDEST_TAILSCALED} or newer.`;

/** @param version as its status has it, e.g. `1.102.3-t0123-g4567`; what cannot be read is not called old */
export function isOldTailscaled(version: string | null | undefined): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?![\w])/.exec(version ?? "") ?? [];
  if (major === undefined || minor === undefined) return false;
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_TAILSCALED.split(".").map(Number);
  return Number(major) < oldestMajor || (Number(major) === oldestMajor && Number(minor) < oldestMinor);
}
