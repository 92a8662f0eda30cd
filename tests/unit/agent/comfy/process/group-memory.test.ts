import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createGroupRssReader } from "../../../../../agent/comfy/process/group-memory.ts";

function statOf(pid: number, group: number): string {
  return `${pid} (python3) S 1 ${group} ${Array.from({ length: 20 }, () => "0").join(" ")}\n`;
}

describe("createGroupRssReader()", () => {
  it("sums the group's processes and no others", async () => {
    const root = mkdtempSync(join(tmpdir(), "proc-"));
    try {
      for (
        const [name, pid, group, kib] of [["self", 1, 1, 1], ["70", 70, 70, 300], ["71", 71, 70, 200], [
          "80",
          80,
          80,
          999,
        ]] as const
      ) {
        mkdirSync(join(root, name));
        writeFileSync(join(root, name, "stat"), statOf(pid, group));
        writeFileSync(join(root, name, "status"), `Name:\tpython3\nVmRSS:\t  ${kib} kB\n`);
      }
      expect(await createGroupRssReader(root)(70)).toBe(500 * 1024);
      expect(await createGroupRssReader(root)(90)).toBeNull();
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it.each(["/proc", "/no proc here"])("reads a real process's memory by %s", async (root) => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { detached: true, stdio: "ignore" });
    try {
      const read = createGroupRssReader(root);
      await vi.waitFor(async () => expect(await read(child.pid ?? 0)).toBeGreaterThan(10 * 1024 * 1024), 5_000);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
