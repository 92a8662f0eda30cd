/** What a fault may do to the sockets. What lasts returns the function that ends it. */

export interface SocketFaults {
  /** Cuts every connection without a closing handshake. */
  readonly dropAll: () => void;
  /** Forgets every client that is connected now: their sockets stay open, answer pings and hear nothing more. */
  readonly forgetClients: () => void;
  /** Holds all messages back. Only what a new client is told at once gets through. In the end they are sent, in order. */
  readonly pause: () => () => void;
  /** Sends every message this many times. */
  readonly repeat: (times: number) => () => void;
  /** Collects messages for this long and sends them in reverse. */
  readonly reverse: (windowMs: number) => () => void;
  /** The server sees the end of a connection so much later. */
  readonly closeLate: (delayMs: number) => () => void;
}
