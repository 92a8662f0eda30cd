/**
 * Who the attached ComfyUI is. Its generation is kept over restarts of the agent, for the socket's client id and the
 * attempts bound to it. If it was started anew meanwhile with the same command line, nobody saw it; then the lookup of
 * each lost prompt says `unknown`, which is the truth that attempts go by.
 */
import { createHash } from "node:crypto";
import type { GenerationJournal, GenerationRecord } from "../generation-journal.ts";
import type { SystemStats } from "../http/introspection.ts";
import type { Generation } from "../port.ts";
import type { EndReason } from "../reasons.ts";
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
  /** Of the current one, or of the one that an earlier agent knew and that nothing has shown to be gone. */
  readonly generation: Generation | null;
  /** Takes up what an earlier agent knew: a ComfyUI that is slow to answer after our restart is not lost for that. */
  resume(): void;
  /** Recognises the process that these stats come from, or takes it for a new one. */
  meet(stats: SystemStats): Peer;
  /** Nobody is there any more. */
  lose(reason: EndReason): void;
  /** The agent lets go of it; it may be there next time. */
  leave(): void;
}

export function createPeers(context: AttachedContext, journal: GenerationJournal): Peers {
  const { baseUrl, clock, randomUuid } = context;
  let current: Peer | null = null;
  let earlier: Generation | null = null;

  function end(id: string, reason: EndReason): void {
    journal.ended(id, { atMs: clock.now(), reason });
  }

  /** Newest first. */
  function remembered(): GenerationRecord[] {
    return journal.open().filter((record) => record.nonce.startsWith(MARK));
  }

  function recall(fingerprint: string): Generation | null {
    const attached = remembered();
    const known = attached.find((record) => record.nonce === fingerprint);
    for (const other of attached) if (other !== known) end(other.id, "AnotherProcess");
    return known === undefined ? null : toGeneration(known);
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
    get generation() {
      return current?.generation ?? earlier;
    },
    resume() {
      const [newest] = remembered();
      earlier = newest === undefined ? null : toGeneration(newest);
    },
    meet(stats) {
      const fingerprint = fingerprintOf(baseUrl, stats);
      const generation = current?.fingerprint === fingerprint
        ? current.generation
        : recall(fingerprint) ?? mint(fingerprint);
      current = { generation, stats, fingerprint };
      earlier = null;
      return current;
    },
    lose(reason) {
      for (const { id } of remembered()) end(id, reason);
      current = earlier = null;
    },
    leave() {
      current = earlier = null;
    },
  };
}

function toGeneration({ id, clientId, startedAtMs }: GenerationRecord): Generation {
  return { id, clientId, startedAtMs, adopted: true };
}

function fingerprintOf(baseUrl: string, { version, argv }: SystemStats): string {
  return `${MARK}${createHash("sha256").update(JSON.stringify([baseUrl, version, argv])).digest("hex")}`;
}
