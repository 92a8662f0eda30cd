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
  /** Of every pod that is neither gone nor lost, as they last said; by hash. */
  known(): Promise<KnownBody[]>;
}

export interface ObjectInfoCacheOptions {
  store: Pick<PodStore, "getObjectInfo" | "listPodBodies">;
  logger: Logger;
  /** Indexes kept beside those of the fleet as it is; one of a plain ComfyUI takes about 2 MB. Default 24. */
  spare?: number;
}

export function createObjectInfoCache(options: ObjectInfoCacheOptions): ObjectInfoCache {
  const { store, logger, spare = 24 } = options;
  // Insertion order is age of use. A body that cannot be read is kept as null: it is addressed by hash, so it stays so.
  const entries = new Map<string, Promise<ObjectInfo | null>>();
  let inUse: ReadonlySet<string> = new Set();

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
    const unused = [...entries.keys()].filter((key) => !inUse.has(key));
    for (const oldest of unused.slice(0, Math.max(0, unused.length - spare))) entries.delete(oldest);
    return entry;
  }

  async function known(): Promise<KnownBody[]> {
    const pods = await store.listPodBodies();
    inUse = new Set(pods.flatMap((pod) => pod.objectInfoSha256 ?? []));
    const hashes = [...inUse].toSorted();
    const bodies = await Promise.all(hashes.map(async (sha256) => ({ sha256, info: await get(sha256) })));
    return bodies.flatMap(({ sha256, info }) => info === null ? [] : [{ sha256, info }]);
  }

  return { get, known };
}
