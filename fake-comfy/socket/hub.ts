/**
 * The WebSocket side: who is connected under which id, what each negotiated, and who gets which message.
 *
 * Kept on purpose: when a socket closes, its id is forgotten even if a newer socket took the id over meanwhile. The
 * newer socket stays open and hears nothing more. And a client that stops reading holds up the messages of all.
 */
import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { isJsonObject, type Json, type JsonObject } from "../python.ts";
import { Outbox } from "./outbox.ts";
import type { SocketFaults } from "./socket-faults.ts";

/** With more than this waiting for one client, the next message waits until it has taken that. */
const CONGESTED_BYTES = 64 * 1024;

/** One message to clients, before it becomes JSON. */
export interface Message {
  readonly type: string;
  readonly data: JsonObject;
}

/** What the hub has to know from the rest of the server. */
export interface HubSources {
  /** The `status` member of a status message. */
  readonly status: () => JsonObject;
  /** What `/features` answers. */
  readonly features: () => JsonObject;
  /** Which client's job runs and at which node. */
  readonly focus: Focus;
  /** False drops the message before it is sent (faults). */
  readonly passes: (message: Message) => boolean;
}

/** The prompt that runs: its client and its node. Survives the prompt's end, except for the node. */
export interface Focus {
  clientId: string | null;
  lastNodeId: string | null;
}

/** All connected clients. */
export class Hub {
  readonly #sources: HubSources;
  readonly #sockets = new Map<string, WebSocket>();
  readonly #flags = new Map<string, JsonObject>();
  readonly #open = new Set<WebSocket>();
  readonly #outbox = new Outbox();
  #closeDelayMs = 0;

  constructor(sources: HubSources) {
    this.#sources = sources;
  }

  /** Registers a new socket; `requestedId` null or empty mints a 32-digit id. */
  attach(socket: WebSocket, requestedId: string | null): void {
    const sid = requestedId === null || requestedId === "" ? randomUUID().replaceAll("-", "") : requestedId;
    this.#sockets.set(sid, socket);
    this.#flags.set(sid, {});
    this.#open.add(socket);
    socket.on("close", () => {
      this.#open.delete(socket);
      if (this.#closeDelayMs === 0) this.#forget(sid);
      else setTimeout(() => this.#forget(sid), this.#closeDelayMs);
    });
    // An error is always followed by "close"; without a listener it would end the process.
    socket.on("error", () => undefined);
    this.#listen(socket, sid);
    this.#tell(socket, "status", { status: this.#sources.status(), sid });
    const { clientId, lastNodeId } = this.#sources.focus;
    if (clientId === sid && lastNodeId !== null) this.#tell(socket, "executing", { node: lastNodeId });
  }

  /** Sends to one client, or to all when `sid` is null. An id that is not connected hears nothing, nor later. */
  send(type: string, data: JsonObject, sid: string | null): void {
    if (!this.#sources.passes({ type, data })) return;
    this.#outbox.push(() => this.#deliver(JSON.stringify({ type, data }), sid));
  }

  sendBinary(frame: Buffer, sid: string | null): void {
    this.#outbox.push(() => this.#deliver(frame, sid));
  }

  /** Tells everybody how much is left to do. */
  broadcastStatus(): void {
    if (this.#open.size > 0) this.send("status", { status: this.#sources.status() }, null);
  }

  /** True when the client asked for this feature in its first message. */
  supports(sid: string | null, feature: string): boolean {
    return sid !== null && this.#flags.get(sid)?.[feature] === true;
  }

  /** Ids that hear messages. A deaf socket is not among them. */
  clientIds(): string[] {
    return [...this.#sockets.keys()];
  }

  /** What faults may do here. */
  get faults(): SocketFaults {
    return {
      dropAll: () => {
        for (const socket of this.#open) socket.terminate();
      },
      forgetClients: () => {
        for (const sid of this.clientIds()) this.#forget(sid);
      },
      pause: () => this.#outbox.pause(),
      repeat: (times) => this.#outbox.repeat(times),
      reverse: (windowMs) => this.#outbox.reverse(windowMs),
      closeLate: (delayMs) => {
        this.#closeDelayMs = delayMs;
        return () => {
          this.#closeDelayMs = 0;
        };
      },
    };
  }

  #forget(sid: string): void {
    this.#sockets.delete(sid);
    this.#flags.delete(sid);
  }

  /** Straight to a socket: what a client is told of itself waits for nobody else's messages. */
  #tell(socket: WebSocket, type: string, data: JsonObject): void {
    if (this.#sources.passes({ type, data })) socket.send(JSON.stringify({ type, data }));
  }

  #deliver(payload: string | Buffer, sid: string | null): void {
    if (sid === null) {
      for (const socket of this.#sockets.values()) this.#put(socket, payload);
    } else {
      const socket = this.#sockets.get(sid);
      if (socket !== undefined) this.#put(socket, payload);
    }
  }

  #put(socket: WebSocket, payload: string | Buffer): void {
    let resume: (() => void) | undefined;
    // Called when the system has taken the message, or the socket has ended.
    socket.send(payload, () => resume?.());
    if (socket.bufferedAmount > CONGESTED_BYTES) resume = this.#outbox.pause();
  }

  #listen(socket: WebSocket, sid: string): void {
    let first = true;
    socket.on("message", (payload, isBinary) => {
      if (isBinary) return;
      const message = parse(payload.toString());
      if (!isJsonObject(message)) return;
      if (first && message["type"] === "feature_flags") {
        const flags = message["data"];
        this.#flags.set(sid, isJsonObject(flags) ? flags : {});
        this.#tell(socket, "feature_flags", this.#sources.features());
      }
      first = false;
    });
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
