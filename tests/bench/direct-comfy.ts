/**
 * The baseline: ComfyUI driven by hand as well as one can with its own wire alone (post, wait on the socket, read the
 * history, fetch the file), and a witness of when ComfyUI takes a prompt, whoever posts it.
 */
import { WebSocket } from "ws";
import { z } from "zod";
import type { Workflow } from "../../contracts/workflow.ts";

const Message = z.object({
  type: z.string(),
  data: z.object({
    prompt_id: z.string().nullish(),
    node: z.string().nullish(),
    status: z.object({ exec_info: z.object({ queue_remaining: z.number() }) }).nullish(),
  }),
});

const OutputFile = z.object({ filename: z.string(), subfolder: z.string(), type: z.string() });
const History = z.record(
  z.string(),
  z.object({ outputs: z.record(z.string(), z.object({ images: z.array(OutputFile).nullish() })) }),
);

/** Nothing here takes a second; a minute means that something broke. */
const DEADLINE_MS = 60_000;

export interface DirectComfy extends Disposable {
  /**
   * When ComfyUI next tells that its queue holds a prompt, by this process's monotonic clock, ms. The message comes
   * after the prompt was queued, so what is measured by it is a little too long, never too short.
   */
  nextQueued(): Promise<number>;
  /** Runs the graph and returns the bytes of its files. */
  run(workflow: Workflow): Promise<Uint8Array[]>;
}

async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) });
  if (!response.ok) throw new Error(`Cannot drive ComfyUI: ${response.status} ${await response.text()}`);
  return response;
}

/** A promise's two ends, rejected when nothing comes in time. */
function expectation<T>(what: string): PromiseWithResolvers<T> {
  const ends = Promise.withResolvers<T>();
  const timer = setTimeout(() => ends.reject(new Error(`waited ${DEADLINE_MS} ms for ${what}`)), DEADLINE_MS);
  const settled = () => clearTimeout(timer);
  ends.promise.then(settled, settled);
  return ends;
}

export async function connectDirectly(comfyUrl: string): Promise<DirectComfy> {
  const clientId = crypto.randomUUID();
  const url = new URL(`/ws?clientId=${clientId}`, comfyUrl);
  url.protocol = "ws:";
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const done = new Map<string, PromiseWithResolvers<void>>();
  let queued: PromiseWithResolvers<number> | null = null;
  socket.on("message", (frame: Buffer, isBinary: boolean) => {
    if (isBinary) return;
    const nowMs = performance.now();
    const { type, data } = Message.parse(JSON.parse(frame.toString("utf8")));
    if (type === "status" && (data.status?.exec_info.queue_remaining ?? 0) > 0) {
      queued?.resolve(nowMs);
      queued = null;
    }
    if (type === "executing" && data.node === null) done.get(data.prompt_id ?? "")?.resolve();
  });
  const opened = expectation<void>("ComfyUI's socket");
  socket.once("open", () => opened.resolve());
  socket.once("error", (error) => opened.reject(error));
  await opened.promise;

  return {
    nextQueued() {
      queued ??= expectation<number>("a prompt in ComfyUI's queue");
      return queued.promise;
    },
    async run(workflow) {
      const promptId = crypto.randomUUID();
      const end = expectation<void>("the end of a prompt");
      done.set(promptId, end);
      await ask(`${comfyUrl}/prompt`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: workflow, prompt_id: promptId, client_id: clientId }),
      }).then((response) => response.body?.cancel());
      await end.promise;
      done.delete(promptId);
      const history = History.parse(await (await ask(`${comfyUrl}/history/${promptId}`)).json());
      const files = Object.values(history[promptId]?.outputs ?? {}).flatMap(({ images }) => images ?? []);
      return await Promise.all(
        files.map(async (file) => {
          const response = await ask(`${comfyUrl}/view?${new URLSearchParams(file)}`);
          return new Uint8Array(await response.arrayBuffer());
        }),
      );
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}
