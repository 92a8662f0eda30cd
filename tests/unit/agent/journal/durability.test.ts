import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { openSqliteJournal } from "../../../../agent/journal/sqlite-journal.ts";
import type { PodId } from "../../../../contracts/ids.ts";

const folder = mkdtempSync(join(tmpdir(), "comfyfleet-durability-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("syncs who the pod is and whom it obeys, and goes back to what outlives the process", () => {
  const told: string[] = [];
  const real = DatabaseSync.prototype.exec;
  const spy = vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function exec(this: DatabaseSync, sql) {
    told.push(...(/^pragma synchronous = (\w+)$/.exec(sql)?.slice(1) ?? []));
    return real.call(this, sql);
  });
  try {
    const journal = openSqliteJournal(join(folder, "journal.db"));
    expect(told).toEqual(["full", "normal", "full", "normal"]);
    journal.adoptPod("pod_01jd8qf2e0f0x8j3m5p7q9s1tv" as PodId);
    journal.raiseEpoch(2);
    expect(told.slice(4)).toEqual(["full", "normal", "full", "normal"]);
    expect(() => journal.raiseEpoch(1)).toThrow();
    expect(told.slice(8)).toEqual(["full", "normal"]);
    journal.close();
  } finally {
    spy.mockRestore();
  }
});
