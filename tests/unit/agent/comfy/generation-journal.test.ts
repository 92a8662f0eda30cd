import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { createGenerationJournal } from "../../../../agent/comfy/generation-journal.ts";

const folders: string[] = [];

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), "generation-journal-"));
  folders.push(folder);
  return join(folder, "journal.sqlite");
}

function record(id: string, startedAtMs = 1) {
  return { id, clientId: `client-${id}`, nonce: `nonce-${id}`, port: 8188, startedAtMs };
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("createGenerationJournal()", () => {
  it("keeps a generation over a restart of the agent, first without, then with its process", () => {
    const path = file();
    const first = createGenerationJournal(path);
    first.begin(record("a"));
    expect(first.open()).toEqual([{ ...record("a"), pid: null, processStart: null }]);
    first.spawned("a", { pid: 42, startTime: "1234" });
    first.close();
    const second = createGenerationJournal(path);
    expect(second.open()).toEqual([{ ...record("a"), pid: 42, processStart: "1234" }]);
    second.close();
  });

  it("lists the newest first and leaves out what ended", () => {
    const journal = createGenerationJournal(new DatabaseSync(":memory:"));
    for (const [id, at] of [["a", 1], ["b", 3], ["c", 2]] as const) journal.begin(record(id, at));
    journal.ended("b", { atMs: 4, reason: "Crashed" });
    expect([journal.nonceOf("b"), journal.nonceOf("z")]).toEqual(["nonce-b", null]);
    expect(journal.open().map(({ id }) => id)).toEqual(["c", "a"]);
  });

  it("keeps the first end of a generation, and only the last fifty", () => {
    const db = new DatabaseSync(":memory:");
    const journal = createGenerationJournal(db);
    for (let n = 0; n < 60; n++) {
      journal.begin(record(`g${n}`, n));
      journal.ended(`g${n}`, { atMs: n, reason: "Crashed" });
    }
    journal.ended("g59", { atMs: 1_000, reason: "WorkerDied" });
    const rows = db.prepare("SELECT id, end_reason FROM comfy_generation ORDER BY ended_at_ms").all();
    expect(rows).toHaveLength(50);
    expect(rows.at(-1)).toMatchObject({ id: "g59", end_reason: "Crashed" });
  });

  it("writes its own file through to the disk and leaves a given handle open", () => {
    const path = file();
    const own = createGenerationJournal(path);
    const other = new DatabaseSync(path);
    expect(other.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    own.close();
    const journal = createGenerationJournal(other);
    journal.close();
    expect(other.isOpen).toBe(true);
    other.close();
  });
});
