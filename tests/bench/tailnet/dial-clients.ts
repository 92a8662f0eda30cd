/** HTTP clients of two libraries over connections that somebody else opens. */
import { Agent as HttpAgent, get } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { Agent as UndiciAgent, request as undiciRequest } from "undici";

/** Opens a connection to the plain server. */
export type Open = () => Promise<Duplex>;

export interface DialClient {
  /** Resolves with the number of bytes, when all are here. `fresh`: on a connection that nobody uses after it. */
  ask(path: string, options: { fresh: boolean }): Promise<number>;
  close(): void;
}

/** The same way without a tailnet. */
export const openLoopback = (port: number): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });

/**
 * A fresh connection is closed from here when the answer has come. When the pod closes first, its netstack keeps the pair of
 * ports for a minute, and of some hundred dials one by chance takes such a pair and waits for seconds.
 */
export function createHttpClient(open: Open): DialClient {
  const createConnection = (_: unknown, created: (error: Error | null, socket?: Duplex) => void) => {
    open().then((socket) => created(null, socket), created);
  };
  const newAgent = () => Object.assign(new HttpAgent({ keepAlive: true }), { createConnection });
  const kept = newAgent();
  return {
    ask(path, { fresh }) {
      const agent = fresh ? newAgent() : kept;
      return new Promise<number>((resolve, reject) => {
        get({ host: "pod", path, agent }, (response) => {
          let bytes = 0;
          response.on("data", (chunk: Uint8Array) => (bytes += chunk.byteLength));
          response.once("end", () => resolve(bytes)).once("error", reject);
        }).once("error", reject);
      }).finally(() => fresh && agent.destroy());
    },
    close: () => kept.destroy(),
  };
}

export function createUndiciClient(open: Open): DialClient {
  const newAgent = () =>
    new UndiciAgent({
      connect(_, created) {
        open().then((socket) => created(null, socket as never), (error: Error) => created(error, null));
      },
    });
  const kept = newAgent();
  async function ask(path: string, { fresh }: { fresh: boolean }): Promise<number> {
    const dispatcher = fresh ? newAgent() : kept;
    const { body } = await undiciRequest(`http://pod${path}`, { dispatcher });
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) bytes += chunk.byteLength;
    if (fresh) void dispatcher.destroy();
    return bytes;
  }
  return { ask, close: () => void kept.destroy() };
}
