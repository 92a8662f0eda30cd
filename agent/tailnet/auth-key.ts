/** The key with which the node joins: read when it is needed, and not tried again once it has been refused for good. */
import { createHash } from "node:crypto";
import { unreadableKey } from "../../contracts/tailnet/key-file.ts";
import type { TailnetState } from "../../contracts/tailnet/state.ts";

export interface AuthKey {
  /** Null: none, or one that was refused. @throws FleetError `invalid_input` for a file that is there and cannot be read */
  read(): Promise<string | null>;
  /** What became of the key that was read last. */
  ended(state: TailnetState): void;
}

const SPENT: ReadonlySet<TailnetState> = new Set(["key_used", "key_expired"]);

/** @param source the key itself or `file:PATH`; a file that is gone is no key */
export function createAuthKey(source: string | undefined, readFile: (path: string) => Promise<string>): AuthKey {
  let last: string | null = null;
  let spent: string | null = null;

  async function current(): Promise<string | null> {
    if (source === undefined) return null;
    if (!source.startsWith("file:")) return source.trim() || null;
    const path = source.slice("file:".length);
    try {
      return (await readFile(path)).trim() || null;
    } catch (error) {
      const unreadable = unreadableKey(path, error);
      if (unreadable !== null) throw unreadable;
      return null;
    }
  }

  return {
    async read() {
      const key = await current();
      if (key === null) return null;
      last = createHash("sha256").update(key).digest("hex");
      return last === spent ? null : key;
    },
    ended(state) {
      if (SPENT.has(state)) spent = last;
    },
  };
}
