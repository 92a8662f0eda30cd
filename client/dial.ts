/** How a connection to a pod is opened where its address is not simply reachable. */

/** A stream of `node:stream` (`Duplex`), as an upgraded connection gives it. */
export interface DialedSocket {
  unshift(bytes: Uint8Array): void;
}

/**
 * Opens a TCP connection, for which the signal leaves a few seconds; `createLocalApi(…).dial` is one. It must not go
 * anywhere else when there is no such node on the tailnet.
 */
export type Dial = (to: { host: string; port: number }, signal: AbortSignal) => Promise<DialedSocket>;
