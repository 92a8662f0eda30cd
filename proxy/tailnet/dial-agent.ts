/** Connections to one pod, each dialled through the daemon, and kept open between requests. */
import { Agent } from "node:http";
import type { Duplex } from "node:stream";

/** Idle connections that are kept: a call and another beside it. The pod asks its daemon about each every few seconds. */
const MAX_IDLE = 2;

type Created = (error: Error | null, socket: Duplex) => void;

/** @param dial must end by itself: nothing here bounds it */
export function createDialAgent(dial: () => Promise<Duplex>): Agent {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE, scheduling: "lifo" });
  return Object.assign(agent, {
    createConnection(_options: unknown, created: Created) {
      dial().then((socket) => created(null, socket), (error: unknown) => created(error as Error, undefined as never));
    },
  });
}
