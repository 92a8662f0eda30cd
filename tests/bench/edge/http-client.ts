/** The load: plain node:http, which costs less than fetch, so that what is measured is the server. */
import { Agent, get, type IncomingMessage } from "node:http";

const DEADLINE_MS = 60_000;

export interface Ask {
  url: string;
  secret: string;
  /** @default a connection of its own */
  agent?: Agent;
}

/** One kept connection: calls one after the other. */
export function keptConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** @throws Error for anything but a 200, and when it does not begin within a minute */
export function open({ url, secret, agent }: Ask): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}` };
    const request = get(url, { headers, agent: agent ?? false, timeout: DEADLINE_MS }, (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.setEncoding("utf8").on("data", (text: string) => {
        reject(new Error(`Cannot measure: ${url} answers ${response.statusCode} ${text}`));
      });
    });
    request.on("timeout", () => request.destroy(new Error(`${url} was silent for ${DEADLINE_MS} ms`)));
    request.on("error", reject);
  });
}

export interface Download {
  bytes: number;
  /** From before the request until the last byte. */
  tookMs: number;
}

export async function download(ask: Ask): Promise<Download> {
  const startedMs = performance.now();
  const response = await open(ask);
  let bytes = 0;
  response.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await new Promise<void>((resolve, reject) => {
    response.once("end", resolve);
    response.once("error", reject);
  });
  return { bytes, tookMs: performance.now() - startedMs };
}

export interface ServerEvent {
  id: string;
  /** E.g. `return`; empty for an ordinary one. */
  event: string;
  data: string;
}

/** Calls back for every event of a stream that is open; resolves when the server has ended it. */
export function readEvents(response: IncomingMessage, onEvent: (event: ServerEvent) => void): Promise<void> {
  let rest = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event: ServerEvent = { id: "", event: "", data: "" };
      for (const line of block.split("\n")) {
        const [, name, value = ""] = /^(id|event|data): ?(.*)$/s.exec(line) ?? [];
        if (name) event[name as keyof ServerEvent] = value;
      }
      onEvent(event);
    }
  });
  return new Promise((resolve, reject) => {
    response.once("end", resolve);
    response.once("error", reject);
  });
}
