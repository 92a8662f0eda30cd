/** What the LocalAPI's client needs of `node:http`, which contracts must not import: its `request` is one as it stands. */

export interface HttpAnswer extends AsyncIterable<Uint8Array> {
  statusCode?: number | undefined;
  headers: Record<string, string | string[] | undefined>;
  resume(): unknown;
  destroy(): unknown;
}

export interface RawSocket {
  unshift(bytes: Uint8Array): void;
}

export interface HttpCall<Socket extends RawSocket> {
  once(event: "response", listener: (answer: HttpAnswer) => void): this;
  once(event: "upgrade", listener: (answer: HttpAnswer, socket: Socket, head: Uint8Array) => void): this;
  once(event: "error", listener: (error: Error) => void): this;
  end(body?: string): unknown;
}

export interface HttpCallOptions {
  socketPath: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  /** A connection of its own for each call. */
  agent: false;
  signal: AbortSignal;
}

export type HttpRequest<Socket extends RawSocket> = (options: HttpCallOptions) => HttpCall<Socket>;
