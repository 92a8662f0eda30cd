/**
 * Which ComfyUI processes this agent has started, on disk before they exist: what a restarted agent adopts or ends.
 * A table of its own in whatever SQLite file it is given; a row lost to a power cut would leave a GPU process nobody knows.
 */
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { EndReason } from "./reasons.ts";

export interface GenerationRecord {
  id: string;
  clientId: string;
  /** Name of its temp directory, and so part of its `argv`. */
  nonce: string;
  port: number;
  startedAtMs: number;
  /** Null between the decision to spawn and the spawn: the agent may have died right there. */
  pid: number | null;
  /** See {@link ProcessInfo.startTime}. */
  processStart: string | null;
}

export interface GenerationJournal {
  /** Before the spawn. */
  begin(record: Omit<GenerationRecord, "pid" | "processStart">): void;
  /** Right after it. */
  spawned(id: string, process: { pid: number; startTime: string | null }): void;
  /** Once the process is known to be gone. */
  ended(id: string, end: { atMs: number; reason: EndReason }): void;
  /** Those that have not ended, newest first. */
  open(): GenerationRecord[];
  /** Of a generation that is remembered, ended ones included. */
  nonceOf(id: string): string | null;
  close(): void;
}

/** Ended generations that are kept for people to read. */
const KEPT_ENDED = 50;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS comfy_generation (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL,
  nonce TEXT NOT NULL,
  port INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  pid INTEGER,
  process_start TEXT,
  ended_at_ms INTEGER,
  end_reason TEXT
) STRICT`;

const Row = z.object({
  id: z.string(),
  client_id: z.string(),
  nonce: z.string(),
  port: z.number(),
  started_at_ms: z.number(),
  pid: z.number().nullable(),
  process_start: z.string().nullable(),
});

/**
 * @param database a file to open (WAL, synchronous FULL; `close` closes it), or an open handle, whose settings are left
 *   as they are and which stays open
 */
export function createGenerationJournal(database: string | DatabaseSync): GenerationJournal {
  const own = typeof database === "string";
  const db = typeof database === "string" ? new DatabaseSync(database) : database;
  if (own) db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
  db.exec(SCHEMA);
  const insert = db.prepare(
    "INSERT INTO comfy_generation (id, client_id, nonce, port, started_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
  );
  const setProcess = db.prepare("UPDATE comfy_generation SET pid = ?2, process_start = ?3 WHERE id = ?1");
  const setEnd = db.prepare(
    "UPDATE comfy_generation SET ended_at_ms = ?2, end_reason = ?3 WHERE id = ?1 AND ended_at_ms IS NULL",
  );
  const prune = db.prepare(`DELETE FROM comfy_generation WHERE ended_at_ms IS NOT NULL AND id NOT IN (
    SELECT id FROM comfy_generation WHERE ended_at_ms IS NOT NULL ORDER BY ended_at_ms DESC LIMIT ${KEPT_ENDED})`);
  const selectOpen = db.prepare(
    `SELECT id, client_id, nonce, port, started_at_ms, pid, process_start FROM comfy_generation
     WHERE ended_at_ms IS NULL ORDER BY started_at_ms DESC, rowid DESC`,
  );
  const selectNonce = db.prepare("SELECT nonce FROM comfy_generation WHERE id = ?1");
  return {
    begin(record) {
      insert.run(record.id, record.clientId, record.nonce, record.port, record.startedAtMs);
    },
    spawned(id, { pid, startTime }) {
      setProcess.run(id, pid, startTime);
    },
    ended(id, { atMs, reason }) {
      setEnd.run(id, atMs, reason);
      prune.run();
    },
    open: () =>
      selectOpen.all().map((row) => {
        const read = Row.parse(row);
        return {
          id: read.id,
          clientId: read.client_id,
          nonce: read.nonce,
          port: read.port,
          startedAtMs: read.started_at_ms,
          pid: read.pid,
          processStart: read.process_start,
        };
      }),
    nonceOf(id) {
      const row = selectNonce.get(id);
      return row === undefined ? null : z.string().parse(row.nonce);
    },
    close() {
      if (own) db.close();
    },
  };
}
