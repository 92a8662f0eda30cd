// A WebSocket client that keeps every frame in order, so that a case can wait for one and then look at all.
import { WebSocket } from "ws";
import { z } from "zod";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { noteMessage } from "./coverage.ts";

const envelope = z.strictObject({ type: z.string(), data: z.record(z.string(), z.unknown()) });

/** A text frame. */
export type Frame = z.infer<typeof envelope>;

export type Capture = {
  clientId: string;
  /** Text frames so far. */
  frames: Frame[];
  /** Binary frames so far. */
  binaries: Buffer[];
  /** The types of the frames of one job, in order, leaving out those named. */
  typesOf: (promptId: string, ...without: string[]) => string[];
  /** The first frame, received already or to come, that satisfies the predicate. */
  waitFor: (predicate: (frame: Frame) => boolean, what: string) => Promise<Frame>;
  /** Waits for the last message of a job that has a client: `executing` with node null. */
  waitForEnd: (promptId: string) => Promise<Frame>;
  send: (message: unknown) => void;
  close: () => Promise<void>;
};

export type CaptureOptions = {
  /** Default: a fresh one. Null: none is sent. */
  clientId?: string | null;
  /** Sent as the first message. */
  featureFlags?: Record<string, unknown>;
};

const FRAME_TIMEOUT_MS = 25_000;

/** Connects, waits for the first frame, and keeps all that follow. */
export async function capture(comfy: StartedComfy, options: CaptureOptions = {}): Promise<Capture> {
  const clientId = options.clientId === undefined ? crypto.randomUUID() : options.clientId;
  const query = clientId === null ? "" : `?clientId=${clientId}`;
  const socket = new WebSocket(`${comfy.url.replace("http", "ws")}/ws${query}`, {
    perMessageDeflate: false,
    handshakeTimeout: FRAME_TIMEOUT_MS,
  });
  const frames: Frame[] = [];
  const binaries: Buffer[] = [];
  const waiting = new Set<() => void>();
  let broken: Error | undefined;
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      noteMessage(`binary ${data.readUInt32BE(0)}`);
      binaries.push(data);
    } else {
      const frame = envelope.parse(JSON.parse(data.toString("utf8")));
      noteMessage(frame.type);
      frames.push(frame);
    }
    wake();
  });
  socket.on("error", (error) => {
    broken = error;
    wake();
  });
  const waitFor: Capture["waitFor"] = (predicate, what) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = frames.find(predicate);
        if (found === undefined && broken === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        if (found === undefined) reject(broken ?? new Error("Cannot read the socket: it broke"));
        else resolve(found);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        const seen = frames.slice(-12).map((frame) => JSON.stringify(frame).slice(0, 200)).join("\n");
        reject(new Error(`Cannot see ${what} on the socket within ${FRAME_TIMEOUT_MS} ms; last frames:\n${seen}`));
      }, FRAME_TIMEOUT_MS);
      waiting.add(look);
      look();
    });
  const first = await waitFor(() => true, "a first frame");
  if (options.featureFlags) socket.send(JSON.stringify({ type: "feature_flags", data: options.featureFlags }));
  return {
    clientId: clientId ?? String(first.data.sid),
    frames,
    binaries,
    typesOf: (promptId, ...without) =>
      frames.filter((frame) => frame.data.prompt_id === promptId && !without.includes(frame.type)).map(({ type }) =>
        type
      ),
    waitFor,
    waitForEnd: (promptId) =>
      waitFor(
        ({ type, data }) => type === "executing" && data.node === null && data.prompt_id === promptId,
        "the end of the job",
      ),
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    close: () =>
      new Promise((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) return resolve();
        const timer = setTimeout(() => socket.terminate(), 2_000);
        socket.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        socket.close();
      }),
  };
}
