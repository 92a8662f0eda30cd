import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptRecord } from "../../../../agent/attempts/record.ts";
import { openSqliteJournal } from "../../../../agent/journal/sqlite-journal.ts";
import { lockStateDirectory } from "../../../../agent/journal/sqlite-state-lock.ts";
import { newOrder } from "../attempts/service-bench.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cf-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, "journal.db");

function record(): AttemptRecord {
  const { podId: _podId, epoch: _epoch, ...order } = newOrder();
  return {
    order,
    promptId: "9a3c8ac6-0000-4000-8000-000000000000",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    state: "accepted",
    rev: 0,
    cancelRequested: false,
    generationId: "generation-1",
    acceptedAtMs: 1,
    startedAtMs: null,
    executedAtMs: null,
    finishedAtMs: null,
    progress: null,
    found: null,
    early: [],
    outputs: [],
    cached: false,
    error: null,
    refusal: null,
  };
}

const END = { state: "succeeded" as const, atMs: 2, outputs: [], cached: false, error: null, progress: null };

describe("openSqliteJournal()", () => {
  it("mints a boot id once and keeps the identity", () => {
    const first = openSqliteJournal(path());
    first.adoptPod(newOrder().podId);
    first.raiseEpoch(5);
    const { bootId } = first.identity();
    first.close();
    expect(openSqliteJournal(path()).identity()).toEqual({ bootId, podId: newOrder().podId, epoch: 5 });
  });

  it("forgets the pod, and not the boot id", () => {
    const journal = openSqliteJournal(path());
    journal.adoptPod(newOrder().podId);
    journal.raiseEpoch(5);
    const { bootId } = journal.identity();
    journal.leavePod();
    expect(journal.identity()).toEqual({ bootId, podId: null, epoch: 0 });
  });

  it("gives every attempt back as it was, without a close, above every revision that was told", () => {
    const journal = openSqliteJournal(path());
    const [a, b] = [record(), { ...record(), generationId: null }];
    journal.accept(a);
    journal.accept(b);
    const refusal = { code: "invalid_workflow" as const, message: "half of it" };
    journal.run(a.order.attemptId, 10, refusal);
    const found = {
      files: [{ nodeId: "1", filename: "a.png", subfolder: "", type: "output" as const }],
      texts: [],
      cachedNodes: ["2"],
    };
    const output = {
      index: 0,
      nodeId: "1",
      name: "a.png",
      contentType: "image/png",
      sizeBytes: 1,
      sha256: "0".repeat(64),
      temporary: false,
    };
    journal.findEarly(a.order.attemptId, [{ source: "a", output }]);
    journal.requestCancel(a.order.attemptId);
    journal.collect(a.order.attemptId, { atMs: 20, found, progress: null });
    journal.bind(b.order.attemptId, "generation-2");
    expect(openSqliteJournal(path()).unreleased()).toEqual([
      {
        ...a,
        state: "collecting",
        rev: 4 + 1_000,
        startedAtMs: 10,
        executedAtMs: 20,
        found,
        early: [{ source: "a", output }],
        cancelRequested: true,
        refusal,
      },
      { ...b, generationId: "generation-2", rev: 1_000 },
    ]);
  });

  it("refuses a transition from another state than it expects", () => {
    const journal = openSqliteJournal(":memory:");
    const { order } = record();
    const end = { state: "lost" as const, atMs: 2, outputs: [], cached: false, error: null, progress: null };
    journal.accept({ ...record(), order });
    const collected = { atMs: 2, found: { files: [], texts: [], cachedNodes: [] }, progress: null };
    expect(() => journal.collect(order.attemptId, collected)).toThrow(/Cannot journal 'collect'/);
    journal.finish(order.attemptId, end);
    expect(() => journal.finish(order.attemptId, end)).toThrow(/Cannot journal 'finish'/);
    expect(() => journal.findEarly(order.attemptId, [])).toThrow(/Cannot journal 'findEarly'/);
    expect(() => journal.run(order.attemptId, 3, null)).toThrow(/Cannot journal 'run'/);
    expect(() => journal.requestCancel(order.attemptId)).toThrow(/Cannot journal/);
    expect(() => journal.accept({ ...record(), order })).toThrow();
  });

  it("releases all of those that it is given, or none", () => {
    const journal = openSqliteJournal(path());
    const records = [record(), record()];
    for (const each of records) {
      journal.accept(each);
      journal.finish(each.order.attemptId, END);
    }
    const [first, second] = records.map(({ order }) => order.attemptId);
    if (!first || !second) throw new Error("no records");
    journal.release([second]);
    expect(() => journal.release([first, second])).toThrow("Cannot journal 'release'");
    expect(journal.wasReleased(first)).toBe(false);
    journal.release([first]);
    expect(journal.wasReleased(first)).toBe(true);
  });

  it("remembers what was released, and forgets the oldest of a great many", () => {
    const journal = openSqliteJournal(":memory:");
    const records = Array.from({ length: 1_005 }, record);
    for (const { order: { attemptId } } of records.map((each) => (journal.accept(each), each))) {
      journal.finish(attemptId, END);
      journal.release([attemptId]);
    }
    const ids = records.map(({ order }) => order.attemptId);
    expect(journal.uncleaned().length).toBe(1_005);
    journal.clean(ids);
    expect(journal.uncleaned()).toEqual([]);
    expect(journal.unreleased()).toEqual([]);
    expect(ids.map((id) => journal.wasReleased(id))).toEqual(ids.map((_, index) => index >= 5));
  });

  it("refuses a file of a newer agent", () => {
    openSqliteJournal(path()).close();
    const database = new DatabaseSync(path());
    database.exec("pragma user_version = 99");
    database.close();
    expect(() => openSqliteJournal(path())).toThrow(/it has schema 99/);
  });
});

describe("lockStateDirectory()", () => {
  it("lets one in, and the next after its release", () => {
    const lockPath = join(folder, "lock.db");
    const lock = lockStateDirectory(lockPath);
    expect(() => lockStateDirectory(lockPath)).toThrow(/another agent is using it/);
    lock.release();
    lockStateDirectory(lockPath).release();
  });
});
