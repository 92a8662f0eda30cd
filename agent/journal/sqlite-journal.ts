/**
 * The journal on `node:sqlite`: every method is one statement, committed before it returns. No commit is lost with this
 * process; all but those of {@link SYNCED} may be lost with the machine's power, the newest first.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { typeid } from "typeid-js";
import { z } from "zod";
import { AttemptId, BootId, PodId } from "../../contracts/ids.ts";
import type { AttemptRecord } from "../attempts/record.ts";
import type { Identity, Journal } from "./port.ts";
import { toRecord } from "./sqlite-rows.ts";
import { openJournalDatabase } from "./sqlite-schema.ts";

/** Released attempts that are remembered, so that a repeated start of one is refused instead of run again. */
const RELEASED_KEPT = 1_000;

const IdentityRow = z.object({ boot_id: BootId, pod_id: PodId.nullable(), epoch: z.int() });

const SQL = {
  identity: "select boot_id, pod_id, epoch from identity",
  mint: "insert into identity (only_row, boot_id) values (1, ?) on conflict do nothing",
  adoptPod: "update identity set pod_id = ? where pod_id is null",
  leavePod: "update identity set pod_id = null, epoch = 0",
  raiseEpoch: "update identity set epoch = ? where epoch < ?1",
  // An edge may have seen revisions that went with the power (run, cancel, collect, end and those of early outputs, see
  // MAX_EARLY_REPORTS); it ignores a report that is not newer than what it has seen.
  skipRevs: "update attempt set rev = rev + 1000 where state in ('accepted', 'running', 'collecting')",
  unreleased: "select * from attempt where released = 0 order by seq",
  accept: `insert into attempt (id, prompt_id, work_order, state, rev, generation_id, accepted_at_ms,
    traceparent)
    values (?, ?, ?, 'accepted', ?, ?, ?, ?)`,
  bind: "update attempt set generation_id = ?2 where id = ?1 and state = 'accepted'",
  run: `update attempt set state = 'running', rev = rev + 1, started_at_ms = ?2, refusal = ?3
    where id = ?1 and state = 'accepted'`,
  findEarly: "update attempt set early = ?2, rev = rev + 1 where id = ?1 and state = 'running'",
  collect: `update attempt set state = 'collecting', rev = rev + 1, executed_at_ms = ?2, found = ?3, progress = ?4
    where id = ?1 and state = 'running'`,
  finish: `update attempt set state = ?2, rev = rev + 1, finished_at_ms = ?3, outputs = ?4, cached = ?5, error = ?6,
    progress = ?7
    where id = ?1 and state in ('accepted', 'running', 'collecting')`,
  requestCancel: `update attempt set cancel = 1, rev = rev + 1
    where id = ?1 and state in ('accepted', 'running', 'collecting')`,
  progress: "update attempt set progress = ?2 where id = ?1",
  release: "update attempt set released = 1 where id in (select value from json_each(?)) and released = 0",
  clean: `update attempt set released = 2, work_order = '', found = null, outputs = '[]', early = null, progress = null,
    error = null, refusal = null
    where id in (select value from json_each(?)) and released = 1`,
  uncleaned: "select id, prompt_id from attempt where released = 1 order by seq",
  wasReleased: "select 1 from attempt where id = ? and released > 0",
  prune: `delete from attempt where released = 2
    and seq <= (select max(seq) from attempt) - ${RELEASED_KEPT}`,
} as const;

/**
 * What is on the disk before it returns: who this pod is, and which edge it has obeyed. An attempt is not. Power takes
 * this machine's ComfyUI too and whatever it had in hand, so every attempt that was under way is lost with it, whether
 * its last step is remembered or not; and the bytes of a finished one, which ComfyUI does not sync, would not be there
 * either. The edge gives it to another: see docs/decisions/0008.
 */
const SYNCED: ReadonlySet<keyof typeof SQL> = new Set(["mint", "adoptPod", "leavePod", "raiseEpoch", "skipRevs"]);

/** @param path File of the database, or ":memory:" for a journal that lasts as long as the process. */
export function openSqliteJournal(path: string): Journal {
  const database = openJournalDatabase(path);
  const statements = prepareAll(database);
  return toJournal(database, statements);
}

function orNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

type Statements = Record<keyof typeof SQL, StatementSync>;

function prepareAll(database: DatabaseSync): Statements {
  const entries = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)] as const);
  return Object.fromEntries(entries) as Statements;
}

function toJournal(database: DatabaseSync, statements: Statements): Journal {
  const run = (name: keyof Statements, values: SQLInputValue[] = []) => {
    if (!SYNCED.has(name)) return statements[name].run(...values);
    // Not prepared: this pragma acts when it is compiled.
    database.exec("pragma synchronous = full");
    try {
      return statements[name].run(...values);
    } finally {
      database.exec("pragma synchronous = normal");
    }
  };

  /** Runs a transition that must find its attempt where it expects it. */
  const change = (name: keyof Statements, ...values: SQLInputValue[]) => {
    if (run(name, values).changes !== 1) {
      throw new Error(`Cannot journal '${name}' of ${String(values[0])}: it is not in a state that allows it`);
    }
  };

  /** The same for several: all or none. */
  const changeAll = (name: keyof Statements, attemptIds: readonly AttemptId[]) => {
    const ids = JSON.stringify(attemptIds);
    database.exec("begin immediate");
    try {
      if (run(name, [ids]).changes !== attemptIds.length) {
        throw new Error(`Cannot journal '${name}' of ${ids}: not all are in a state that allows it`);
      }
      database.exec("commit");
    } catch (error) {
      if (database.isTransaction) database.exec("rollback");
      throw error;
    }
  };
  run("mint", [typeid("boot").toString()]);
  run("skipRevs");
  return {
    identity: (): Identity => {
      const row = IdentityRow.parse(statements.identity.get());
      return { bootId: row.boot_id, podId: row.pod_id, epoch: row.epoch };
    },
    adoptPod: (podId) => change("adoptPod", podId),
    leavePod: () => change("leavePod"),
    raiseEpoch: (epoch) => change("raiseEpoch", epoch),
    unreleased: () => statements.unreleased.all().map(toRecord),
    accept: (record: AttemptRecord) => {
      const { order } = record;
      change(
        "accept",
        order.attemptId,
        record.promptId,
        JSON.stringify(order),
        record.rev,
        record.generationId,
        record.acceptedAtMs,
        record.traceparent,
      );
    },
    bind: (attemptId, generationId) => change("bind", attemptId, generationId),
    run: (attemptId, startedAtMs, refusal) => change("run", attemptId, startedAtMs, orNull(refusal)),
    findEarly: (attemptId, early) => change("findEarly", attemptId, JSON.stringify(early)),
    collect: (attemptId, { atMs, found, progress }) =>
      change("collect", attemptId, atMs, JSON.stringify(found), orNull(progress)),
    finish: (attemptId, { state, atMs, outputs, cached, error, progress }) =>
      change(
        "finish",
        attemptId,
        state,
        atMs,
        JSON.stringify(outputs),
        cached ? 1 : 0,
        orNull(error),
        orNull(progress),
      ),
    requestCancel: (attemptId) => change("requestCancel", attemptId),
    progress: (attemptId, progress) => change("progress", attemptId, JSON.stringify(progress)),
    release: (attemptIds) => changeAll("release", attemptIds),
    clean: (attemptIds) => {
      changeAll("clean", attemptIds);
      run("prune");
    },
    uncleaned: () =>
      statements.uncleaned.all().map((row) => ({
        attemptId: AttemptId.parse(row.id),
        promptId: z.string().parse(row.prompt_id),
      })),
    wasReleased: (attemptId) => statements.wasReleased.get(attemptId) !== undefined,
    close: () => database.close(),
  };
}
