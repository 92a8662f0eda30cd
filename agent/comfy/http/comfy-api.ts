/** {@link ComfyApi} over HTTP, for one ComfyUI whose process and address may change under it. */
import { z } from "zod";
import { FleetError } from "../../../contracts/errors.ts";
import type { Clock } from "../clock.ts";
import type { ComfyApi, ComfyFile } from "../port.ts";
import type { ComfyTimings } from "../timings.ts";
import { call, callForBody, exchangeText, type Fetch, parseReply, unexpected } from "./call.ts";
import type { Exchange } from "./exchange.ts";
import { expectFreed, freeRequest } from "./free.ts";
import { type BoundCall, lookupJob, lookupOld, placeInQueue, readPlannedOutputs } from "./prompt-lookup.ts";
import { submitPrompt } from "./submit-prompt.ts";

/** Where the current generation is. */
export interface Connection {
  generationId: string;
  baseUrl: string;
  clientId: string;
}

export interface ComfyApiOptions {
  /** For files and forms. */
  fetch: Fetch;
  exchange: Exchange;
  clock: Clock;
  timings: Pick<ComfyTimings, "requestTimeoutMs" | "submitTimeoutMs" | "uploadTimeoutMs">;
  /** Null while no ComfyUI is ready. */
  connection: () => Connection | null;
  /** Called when ComfyUI has taken a prompt that was sent at `sentAtMs`. */
  onSubmitted: (sentAtMs: number) => void;
}

/** What was learned of one generation. */
interface Knowledge {
  generationId: string;
  hasJobsRoute: boolean;
  hasCancelRoute: boolean;
}

const Uploaded = z.object({ name: z.string(), subfolder: z.string().nullish() });

export function createComfyApi(options: ComfyApiOptions): ComfyApi {
  const { fetch, exchange, timings } = options;
  let knowledge: Knowledge | null = null;

  /** One act stays with one generation: what is asked of a dead one must not be sent to its successor. */
  function bind(): { connection: Connection; known: Knowledge; send: BoundCall } {
    const connection = options.connection();
    if (connection === null) throw unavailable("it is not ready");
    if (knowledge?.generationId !== connection.generationId) {
      knowledge = { generationId: connection.generationId, hasJobsRoute: true, hasCancelRoute: true };
    }
    const send: BoundCall = async (request) => {
      if (options.connection()?.generationId !== connection.generationId) throw unavailable("it was started anew");
      const { baseUrl } = connection;
      const whole = { timeoutMs: timings.requestTimeoutMs, ...request };
      return await (request.form === undefined ? exchangeText(exchange, baseUrl, whole) : call(fetch, baseUrl, whole));
    };
    return { connection, known: knowledge, send };
  }

  type Bound = ReturnType<typeof bind>;

  async function lookup({ known, send }: Bound, promptId: string, signal: AbortSignal) {
    if (known.hasJobsRoute) {
      const found = await lookupJob(send, promptId, signal);
      if (found !== null) return found;
      known.hasJobsRoute = false;
    }
    return await lookupOld(send, promptId, signal);
  }

  async function cancel({ known, send }: Bound, promptId: string, signal: AbortSignal): Promise<void> {
    if (known.hasCancelRoute) {
      const path = `/api/jobs/${encodeURIComponent(promptId)}/cancel`;
      const reply = await send({ method: "POST", path, json: {}, signal });
      if (reply.status === 200) return;
      if (reply.status !== 404 && reply.status !== 405) throw unexpected("cancel a prompt", reply);
      known.hasCancelRoute = false;
    }
    await post(send, { path: "/queue", json: { delete: [promptId] }, signal });
    // Before 2025-09 ComfyUI ignores the id and interrupts whatever runs.
    if (await placeInQueue(send, promptId, signal) !== "running") return;
    await post(send, { path: "/interrupt", json: { prompt_id: promptId }, signal });
  }

  return {
    async submit(prompt, signal) {
      const bound = bind();
      const sentAtMs = options.clock.now();
      const result = await submitPrompt(
        {
          send: bound.send,
          clientId: bound.connection.clientId,
          timeoutMs: timings.submitTimeoutMs,
          lookup: (promptId, until) => lookup(bound, promptId, until),
        },
        prompt,
        signal,
      );
      if (result.status !== "refused") options.onSubmitted(sentAtMs);
      return result;
    },
    lookup: async (promptId, signal) => await lookup(bind(), promptId, signal),
    plannedOutputs: async (promptId, signal) => await readPlannedOutputs(bind().send, promptId, signal),
    cancel: async (promptId, signal) => await cancel(bind(), promptId, signal),
    free: async (what, signal) => expectFreed(await bind().send({ ...freeRequest(what), signal })),
    forget: async (promptIds, signal) =>
      await post(bind().send, { path: "/history", json: { delete: promptIds }, signal }),
    async view(file, signal) {
      const { connection } = bind();
      const response = await callForBody(fetch, connection.baseUrl, {
        path: `/view?${viewQuery(file)}`,
        timeoutMs: timings.requestTimeoutMs,
        signal,
      });
      if (response.ok) return response;
      await response.body?.cancel();
      if (response.status === 404) throw missing(file);
      throw unexpected(`read output ${file.filename}`, response);
    },
    async upload(file, signal) {
      const form = new FormData();
      form.set("image", file.body, file.name);
      form.set("subfolder", file.subfolder);
      form.set("type", "input");
      form.set("overwrite", "true");
      const timeoutMs = timings.uploadTimeoutMs;
      const reply = await bind().send({ method: "POST", path: "/upload/image", form, timeoutMs, signal });
      if (reply.status === 413) throw tooLargeToUpload(file.name);
      if (reply.status !== 200) throw unexpected(`upload ${file.name}`, reply);
      const { name, subfolder } = parseReply(`upload ${file.name}`, reply, Uploaded);
      return subfolder ? `${subfolder}/${name}` : name;
    },
  };
}

async function post(
  send: BoundCall,
  request: { path: string; json: unknown; signal: AbortSignal },
): Promise<void> {
  const reply = await send({ method: "POST", ...request });
  if (reply.status !== 200) throw unexpected(`post to ${request.path}`, reply);
}

function viewQuery({ filename, subfolder, type }: ComfyFile): string {
  return new URLSearchParams({ filename, subfolder, type }).toString();
}

function unavailable(state: string): FleetError {
  return new FleetError("comfy_unavailable", `Cannot reach ComfyUI: ${state}`, {
    hint: "The pod's ComfyReady condition says what it waits for.",
  });
}

function missing(file: ComfyFile): FleetError {
  return new FleetError("output_missing", `Cannot read output ${file.filename}: ComfyUI no longer has it`, {
    hint: "Submit the job again.",
  });
}

function tooLargeToUpload(name: string): FleetError {
  return new FleetError("payload_too_large", `Cannot upload ${name}: it is larger than this ComfyUI takes`, {
    hint: "Name ComfyUI's directory to the agent, so that inputs go over the disk, or raise --max-upload-size.",
  });
}
