// Installs the pinned Python packages, telling how far it is: pip itself says nothing that fits into a log.
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "./run-command.ts";

export type InstallOptions = {
  /** The command line that starts pip. */
  pip: [string, ...string[]];
  /** Receives a line every 5 s. */
  say: (line: string) => void;
  signal: AbortSignal;
};

/** Installs exactly what the requirements file at `path` lists, and nothing that the packages ask for. */
export async function installPackages(path: string, { pip, say, signal }: InstallOptions): Promise<void> {
  const total = (await readFile(path, "utf8")).split("\n").filter((line) => /^[A-Za-z]/.test(line)).length;
  let seen = 0;
  let phase = "";
  const done = new AbortController();
  const report = async () => {
    for (;;) {
      await sleep(5_000, undefined, { signal: done.signal });
      say(phase || `      ${seen} of ${total} packages`);
    }
  };
  // Ends by the abort below, which is not an error.
  const reporting = report().catch(() => undefined);
  try {
    await runCommand([...pip, "install", "--no-deps", "--progress-bar", "off", "-r", path], {
      signal,
      onLine: (line) => {
        if (line.startsWith("Collecting ")) seen += 1;
        if (line.startsWith("Installing collected")) phase = "      unpacking";
      },
    });
  } finally {
    done.abort();
    await reporting;
  }
}
