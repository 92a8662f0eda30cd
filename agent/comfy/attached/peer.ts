/**
 * Who the attached ComfyUI is. Its generation is kept over restarts of the agent, for the socket's client id and the
 * attempts bound to it. If it was started anew meanwhile with the same command line, nobody saw it; then the lookup of
 * each lost prompt says `unknown`, which is the truth that attempts go by.
 */
import { createHash } from "node:crypto";
import type { GenerationJournal } from "../generation-journal.ts";
import type { SystemStats } from "../http/introspection.ts";
import type { Generation } from "../port.ts";
import type { AttachedContext } from "./options.ts";

export interface Peer {
  generation: Generation;
  stats: SystemStats;
  /** Equal as long as nothing shows another process. */
  fingerprint: string;
}

/** Stands in the journal where a supervised generation has its nonce, which never looks like this. */
const MARK = "attached:";

export interface Peers {
  readonly current: Peer | null;
  /** Recognises the process that these stats come from, or takes it for a new one. */
  meet(stats: SystemStats): Peer;
  /** Nobody is there any more. */
  lose(reason: string): void;
  /** The agent lets go of it; it may be there next time. */
  leave(): void;
}

export function createPeers(context: AttachedContext, journal: GenerationJournal): Peers {
  const { baseUrl, clock, randomUuid } = context;
  let current: Peer | null = null;

  function end(id: string, reason: string): void {
    journal.ended(id, { atMs: clock.now(), reason });
  }

  function recall(fingerprint: string): Generation | null {
    const attached = journal.open().filter((record) => record.nonce.startsWith(MARK));
    const known = attached.find((record) => record.nonce === fingerprint);
    for (const other of attached) if (other !== known) end(other.id, "AnotherProcess");
    return known === undefined
      ? null
      : { id: known.id, clientId: known.clientId, startedAtMs: known.startedAtMs, adopted: true };
  }

  function mint(fingerprint: string): Generation {
    const generation = { id: randomUuid(), clientId: randomUuid(), startedAtMs: clock.now() };
    journal.begin({ ...generation, nonce: fingerprint, port: Number(new URL(baseUrl).port) });
    return { ...generation, adopted: true };
  }

  return {
    get current() {
      return current;
    },
    meet(stats) {
      const fingerprint = fingerprintOf(baseUrl, stats);
      const generation = current?.fingerprint === fingerprint
        ? current.generation
        : recall(fingerprint) ?? mint(fingerprint);
      current = { generation, stats, fingerprint };
      return current;
    },
    lose(reason) {
      if (current !== null) end(current.generation.id, reason);
      current = null;
    },
    leave() {
      current = null;
    },
  };
}

function fingerprintOf(baseUrl: string, { version, argv }: SystemStats): string {
  return `${MARK}${createHash("sha256").update(JSON.stringify([baseUrl, version, argv])).digest("hex")}`;
}
