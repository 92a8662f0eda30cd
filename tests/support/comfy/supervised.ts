// A supervised fake ComfyUI for tests: the real process below a real supervisor, everything in one temporary folder.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { GenerationJournal } from "../../../agent/comfy/generation-journal.ts";
import { parseProcStat } from "../../../agent/comfy/process/process-table.ts";
import type { Comfy, ComfyMessage, ComfyState, ComfyStatus } from "../../../agent/comfy/port.ts";
import { createSupervisedComfy } from "../../../agent/comfy/supervised/supervised-comfy.ts";
import { supervisedOptions, type SupervisedSetup } from "./supervised-options.ts";

export type Supervised = {
  comfy: Comfy;
  stateDir: string;
  journal: GenerationJournal;
  /** Every status so far, oldest first. */
  statuses: ComfyStatus[];
  messages: ComfyMessage[];
  /** Waits for the state, at most 15 s, and returns the status. */
  reach: (state: ComfyState, since?: number) => Promise<ComfyStatus>;
  /** Of the generation that the journal holds as running. */
  pid: () => number;
};

/** Everything that a test opened, closed in reverse order by {@link cleanUp}. */
const opened: (() => Promise<void> | void)[] = [];

export function atEnd(act: () => Promise<void> | void): void {
  opened.push(act);
}

export async function cleanUp(): Promise<void> {
  for (const act of opened.splice(0).reverse()) await act();
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "comfyfleet-agent-comfy-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Creates and starts it; {@link cleanUp} stops it. */
export function startSupervised(setup: SupervisedSetup = {}): Supervised {
  const stateDir = setup.stateDir ?? temporaryFolder();
  const options = supervisedOptions({ ...setup, stateDir });
  const comfy = createSupervisedComfy(options);
  const statuses: ComfyStatus[] = [];
  const messages: ComfyMessage[] = [];
  comfy.onStatus((status) => statuses.push(status));
  comfy.onMessage((message) => messages.push(message));
  atEnd(async () => {
    await comfy.stop();
    options.journal.close();
  });
  comfy.start();
  return {
    comfy,
    stateDir,
    journal: options.journal,
    statuses,
    messages,
    reach: (state, since = 0) => reach(statuses, state, since),
    pid: () => options.journal.open()[0]?.pid ?? 0,
  };
}

export function reach(statuses: readonly ComfyStatus[], state: ComfyState, since: number): Promise<ComfyStatus> {
  return vi.waitFor(() => {
    const found = statuses.slice(since).find((status) => status.state === state);
    if (found === undefined) throw new Error(`Cannot reach ${state}: ${JSON.stringify(statuses.at(-1))}`);
    return found;
  }, { timeout: 15_000, interval: 20 });
}

/** A zombie is dead: an orphan stays one where process 1 does not reap, as in many containers. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (!existsSync("/proc/self/stat")) return true;
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, "utf8"))?.zombie === false;
  } catch {
    return false;
  }
}

/** Arms a fault of the fake over its control port. */
export async function arm(controlPort: number, name: string, argument?: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${controlPort}/faults`, {
    method: "POST",
    body: JSON.stringify({ name, ...(argument === undefined ? {} : { arg: argument }) }),
  });
  if (!response.ok) throw new Error(`Cannot arm ${name}: ${await response.text()}`);
}
