/** Puts the stand-in for nvidia-smi into a folder as an executable, with a scenario that a test can change. */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bare, type GpuKind } from "./kinds.ts";
import type { Scenario } from "./scenario.ts";

const PROGRAM = fileURLToPath(new URL("fake-nvidia-smi.ts", import.meta.url));

export interface FakeSmi extends Disposable {
  /** For AGENT_NVIDIA_SMI. */
  path: string;
  /** What it says from now on; what is not named stays. */
  set(change: Partial<Scenario>): void;
  /** Its runs so far, the oldest first. */
  runs(): { pid: number; args: string[] }[];
}

export function writeFakeSmi(kind: GpuKind): FakeSmi {
  const folder = mkdtempSync(join(tmpdir(), "cf-smi-"));
  const file = join(folder, "scenario.json");
  const path = join(folder, "nvidia-smi");
  let scenario: Scenario = { fields: kind.fields, gpus: [bare(kind.idle)], lines: [], end: null };
  const write = () => {
    // At once, because the program may read it at any time.
    writeFileSync(`${file}.part`, JSON.stringify(scenario));
    renameSync(`${file}.part`, file);
  };
  write();
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' '${file}' "$@"\n`);
  chmodSync(path, 0o755);
  return {
    path,
    set(change) {
      scenario = { ...scenario, ...change };
      write();
    },
    runs() {
      try {
        return readFileSync(`${file}.runs`, "utf8").trim().split("\n").map((line) => JSON.parse(line));
      } catch {
        return [];
      }
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
