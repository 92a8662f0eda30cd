/** The few `/object_info` bodies of a fleet as indexes in memory, read from the store by hash when first needed. */
import type { PodStore } from "../store/pod-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type ObjectInfo, parseObjectInfo } from "./object-info.ts";

export interface KnownBody {
  /** Of the body as the pod sent it. */
  sha256: string;
  info: ObjectInfo;
}

export interface ObjectInfoCache {
  /** Null when the store does not have the body (yet) or nobody can read it. */
  get(sha256: string): Promise<ObjectInfo | null>;
  /** The bodies seen last, newest first. */
  known(): Promise<KnownBody[]>;
}

export interface ObjectInfoCacheOptions {
  store: Pick<PodStore, "getObjectInfo" | "listObjectInfo">;
  logger: Logger;
  /** Indexes kept; one of a plain ComfyUI takes about 2 MB. Default 24. */
  capacity?: number;
  /** Bodies that a submitted graph is held against, at most `capacity`. Default 16. */
  knownLimit?: number;
}

export function createObjectInfoCache(options: ObjectInfoCacheOptions): ObjectInfoCache {
  const { store, logger, capacity = 24, knownLimit = 16 } = options;
  // Insertion order is age of use. A body that cannot be read is kept as null: it is addressed by hash, so it stays so.
  const entries = new Map<string, Promise<ObjectInfo | null>>();

  async function load(sha256: string): Promise<ObjectInfo | null> {
    const body = await store.getObjectInfo(sha256);
    if (body === null) {
      entries.delete(sha256);
      return null;
    }
    try {
      return parseObjectInfo(body);
    } catch (error) {
      logger.warn("object_info cannot be read", { sha256, error });
      return null;
    }
  }

  function get(sha256: string): Promise<ObjectInfo | null> {
    const entry = entries.get(sha256) ?? load(sha256).catch((error: unknown) => {
      entries.delete(sha256);
      throw error;
    });
    entries.delete(sha256);
    entries.set(sha256, entry);
    const [oldest] = entries.keys();
    if (entries.size > capacity && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  async function known(): Promise<KnownBody[]> {
    const hashes = await store.listObjectInfo(Math.min(knownLimit, capacity));
    const bodies = await Promise.all(hashes.map(async (sha256) => ({ sha256, info: await get(sha256) })));
    return bodies.flatMap(({ sha256, info }) => info === null ? [] : [{ sha256, info }]);
  }

  return { get, known };
}
