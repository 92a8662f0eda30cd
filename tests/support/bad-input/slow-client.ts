// A client that sends a byte a second, or nothing, or closes its own direction and waits for an answer.
import { connect, type Socket } from "node:net";
import { envelopeIn } from "./judge.ts";

export interface SlowClient {
  /** All that came back. */
  readonly text: string;
  readonly isClosed: boolean;
  end(): void;
}

export interface SlowWays {
  /** Sent at once. */
  first: string;
  /** Sent every second after it. */
  drip?: string;
  /** Closes its own direction after `first`. */
  half?: boolean;
}

export function slowClient(port: number, { first, drip = "", half = false }: SlowWays): SlowClient {
  const socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const state = { text: "", isClosed: false };
  socket.setEncoding("utf8").on("data", (part: string) => (state.text += part));
  socket.on("error", () => {}).on("end", () => (state.isClosed = true)).on("close", () => (state.isClosed = true));
  socket.write(first);
  if (half) socket.end();
  const timer = setInterval(() => drip !== "" && socket.writable && socket.write(drip), 1_000);
  return {
    get text() {
      return state.text;
    },
    get isClosed() {
      return state.isClosed;
    },
    end() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

/** So many of every kind. */
export function slowClients<Kind extends string>(
  port: number,
  { kinds, each }: { kinds: Record<Kind, SlowWays>; each: number },
): Record<Kind, SlowClient[]> {
  const ways = Object.entries(kinds) as [Kind, SlowWays][];
  return Object.fromEntries(
    ways.map(([kind, how]) => [kind, Array.from({ length: each }, () => slowClient(port, how))]),
  ) as Record<Kind, SlowClient[]>;
}

/** 0 while nothing came. */
export function statusOf({ text }: SlowClient): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
}

/** The code of the error that was answered. */
export function codeOf({ text }: SlowClient): string | undefined {
  return envelopeIn(text.slice(text.indexOf("\r\n\r\n") + 4))?.code;
}
