/** The DevTools protocol over one socket: commands with answers, and events. */
import { WebSocket } from "ws";
import { z } from "zod";

const Message = z.object({
  id: z.number().optional(),
  sessionId: z.string().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
});

export interface DevToolsEvent {
  method: string;
  params: unknown;
  sessionId: string | undefined;
}

export interface DevTools {
  /** Rejects with what Chromium says is wrong, and when it does not answer in 30 s. */
  send(method: string, params?: object, sessionId?: string): Promise<unknown>;
  onEvent(listener: (event: DevToolsEvent) => void): void;
  close(): void;
}

const ANSWER_WITHIN_MS = 30_000;

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

export async function connectDevTools(url: string): Promise<DevTools> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  const pending = new Map<number, Pending>();
  const listeners: ((event: DevToolsEvent) => void)[] = [];
  let lastId = 0;
  socket.on("message", (data) => {
    const { id, sessionId, method, params, result, error } = Message.parse(JSON.parse(String(data)));
    if (method !== undefined) { for (const listener of listeners) listener({ method, params, sessionId }); }
    const call = id === undefined ? undefined : pending.get(id);
    if (id === undefined || call === undefined) return;
    pending.delete(id);
    if (error) call.reject(new Error(error.message));
    else call.resolve(result);
  });
  socket.on("close", () => {
    for (const call of pending.values()) call.reject(new Error("Chromium is gone"));
    pending.clear();
  });
  return {
    send(method, params = {}, sessionId) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          pending.delete(id);
          reject(new Error(`Chromium did not answer ${method} in ${ANSWER_WITHIN_MS} ms`));
        }, ANSWER_WITHIN_MS);
        const settle = <T>(end: (value: T) => void) => (value: T) => {
          clearTimeout(late);
          end(value);
        };
        pending.set(id, { resolve: settle(resolve), reject: settle(reject) });
        socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
      });
    },
    onEvent: (listener) => void listeners.push(listener),
    close: () => socket.close(),
  };
}
