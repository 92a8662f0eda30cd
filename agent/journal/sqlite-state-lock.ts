/** One agent per state directory: an exclusive lock that the operating system frees when the process dies, however it dies. */
import { DatabaseSync } from "node:sqlite";
import { FleetError } from "../../contracts/errors.ts";

/** A predecessor that was just killed may need a moment to be gone. */
const WAIT_MS = 2_000;

/**
 * Takes the lock until `release` or the end of the process.
 * @throws FleetError `conflict` while another agent holds it.
 */
export function lockStateDirectory(path: string): { release(): void } {
  const database = new DatabaseSync(path);
  try {
    database.exec(`pragma busy_timeout = ${WAIT_MS}; begin exclusive;`);
  } catch (cause) {
    database.close();
    throw new FleetError("conflict", "Cannot use the state directory: another agent is using it", {
      hint: "Stop that agent, or give this one a directory of its own with AGENT_STATE_DIR.",
      details: { path },
      cause,
    });
  }
  return { release: () => database.close() };
}
