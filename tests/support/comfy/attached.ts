// A ComfyUI that somebody else runs, and an agent's side that is attached to it.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createAttachedComfy } from "../../../agent/comfy/attached/attached-comfy.ts";
import { createGenerationJournal } from "../../../agent/comfy/generation-journal.ts";
import type { Comfy, ComfyMessage, ComfyStatus } from "../../../agent/comfy/port.ts";
import { claimPort } from "../../../agent/comfy/supervised/free-port.ts";
import { createSilentLogger } from "./silent-logger.ts";
import { atEnd, temporaryFolder } from "./supervised.ts";
import { FAST, REPOSITORY } from "./supervised-options.ts";

/** Between two questions about a silent ComfyUI's log. */
export const WORKER_STALL_MS = 200;

export type Other = { baseUrl: string; controlPort: number; base: string; start: (...more: string[]) => ChildProcess };

/** Somebody's ComfyUI, started by hand and started again on the same port. */
export async function somebodys(): Promise<Other> {
  const base = temporaryFolder();
  const [port, controlPort] = [await claimPort(0), await claimPort(0)];
  const args = ["--port", String(port), "--control-port", String(controlPort), "--base-directory", base];
  const start = (...more: string[]) => {
    const child = spawn(
      process.execPath,
      ["fake-comfy/main.ts", ...args, ...more, "--disable-all-custom-nodes"],
      { cwd: REPOSITORY, stdio: "ignore" },
    );
    atEnd(() => void child.kill("SIGKILL"));
    return child;
  };
  return { baseUrl: `http://127.0.0.1:${port}`, controlPort: controlPort ?? 0, base, start };
}

export function attach(
  other: Other,
  { directory = null as string | null, stateDir = temporaryFolder(), fetch = globalThis.fetch } = {},
) {
  const journal = createGenerationJournal(join(stateDir, "journal.sqlite"));
  const comfy: Comfy = createAttachedComfy({
    baseUrl: other.baseUrl,
    directory,
    journal,
    fetch,
    logger: createSilentLogger(),
    timings: {
      ...FAST,
      socketOpenMs: 1_000,
      unresponsiveAfterMs: 500,
      requestTimeoutMs: 300,
      workerStallMs: WORKER_STALL_MS,
    },
  });
  const statuses: ComfyStatus[] = [];
  const messages: ComfyMessage[] = [];
  comfy.onStatus((status) => statuses.push(status));
  comfy.onMessage((message) => messages.push(message));
  atEnd(async () => {
    await comfy.stop();
    journal.close();
  });
  comfy.start();
  return { comfy, statuses, messages, stateDir };
}
