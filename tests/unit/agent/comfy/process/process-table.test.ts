import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { createProcessTable, parseProcStat, parsePsLine } from "../../../../../agent/comfy/process/process-table.ts";

const STAT =
  "4242 (py (a) b) S 1 4242 4242 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 9 0 987654 1 2 18446744073709551615 0 0 0";

describe("parseProcStat()", () => {
  it("finds its fields behind a command name with brackets and spaces", () => {
    expect(parseProcStat(STAT)).toEqual({ pid: 4242, group: 4242, startTime: "987654", zombie: false });
    expect(parseProcStat(STAT.replace(") S ", ") Z "))?.zombie).toBe(true);
  });

  it("refuses other text", () => {
    expect([parseProcStat(""), parseProcStat("1 (x) S 1")]).toEqual([null, null]);
  });
});

describe("parsePsLine()", () => {
  it("reads a line of ps with and without the command", () => {
    const line = " 4242  4242 Ss   Mon Nov 23 03:04:05 2026";
    const info = { pid: 4242, group: 4242, startTime: "Mon Nov 23 03:04:05 2026", zombie: false };
    expect([parsePsLine(line), parsePsLine(`${line} python main.py`)]).toEqual([info, info]);
    expect(parsePsLine(line.replace("Ss", "Z "))?.zombie).toBe(true);
    expect(parsePsLine("")).toBeNull();
  });
});

describe.each([["/proc", "/proc"], ["ps", "/no-proc-here"]])("createProcessTable() by %s", (_name, procDirectory) => {
  const table = createProcessTable(procDirectory);

  it("knows a process by id and start time, finds it by argument, and sees it gone", async () => {
    const mark = `mark-${crypto.randomUUID()}`;
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", mark], { detached: true });
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    try {
      const info = await table.inspect(pid);
      expect(info).toMatchObject({ pid, zombie: false });
      expect(await table.inspect(pid)).toEqual(info);
      expect((await table.findByArgument(mark)).map((found) => found.pid)).toEqual([pid]);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    expect(await table.inspect(pid)).toBeNull();
    expect(await table.findByArgument(mark)).toEqual([]);
  });
});
