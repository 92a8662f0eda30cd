/**
 * The bytes of one output as one stream that survives cuts: after each it goes on where it stopped (`Range`), so that a
 * big video over a bad link arrives in the end. What cannot be mended errors the stream.
 */
import { outputPath } from "../../contracts/agent/routes.ts";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import { errorOfResponse, toAgentError } from "../pods/agent-error.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { Agents } from "../pods/port.ts";

export interface OutputBodyOptions {
  agents: Agents;
  clock: Clock;
  stallMs: number;
  /** Tries in a row without a byte between them. */
  tries: number;
  signal: AbortSignal;
  /** Told before the stream errors, because who reads it may wrap the reason. */
  failed: (error: unknown) => void;
}

export interface OutputSource {
  podId: PodId;
  attemptId: AttemptId;
  output: AttemptOutput;
}

interface Connection {
  reader: ReadableStreamDefaultReader<Uint8Array> | null;
  cut: AbortController;
}

/** Answers that will be the same however often one asks: the bytes are gone or are not those that were reported. */
function isFinal(error: FleetError): boolean {
  switch (error.code) {
    case "not_found":
    case "output_missing":
    case "hash_mismatch":
    case "range_not_satisfiable":
      return true;
    default:
      return false;
  }
}

function outputMissing(cause: FleetError): FleetError {
  return new FleetError("output_missing", "Cannot fetch the output: the pod does not have its bytes any more", {
    cause,
  });
}

/** @throws FleetError; the answer's own error when it is none of 200 (206 after a cut) */
async function request(
  options: OutputBodyOptions,
  source: OutputSource,
  from: { offset: number; signal: AbortSignal },
): Promise<ReadableStream<Uint8Array>> {
  const { podId, attemptId, output } = source;
  const resumed = from.offset > 0;
  const headers: Record<string, string> = resumed
    ? { range: `bytes=${from.offset}-`, "if-range": `"${output.sha256}"` }
    : {};
  const path = outputPath(attemptId, output.index);
  const response = await options.agents.fetch(podId, path, { headers, signal: from.signal });
  if (response.status === (resumed ? 206 : 200)) return response.body ?? new Blob([]).stream();
  if (response.status !== 200) throw await errorOfResponse(response);
  await response.body?.cancel();
  throw new FleetError("output_missing", "Cannot fetch the output: the pod has other bytes than before the cut");
}

/**
 * Asks for the first bytes at once, before anybody reads.
 * @returns the stream; it errors with FleetError `output_missing`, or with the last failure when the tries are used up
 */
export function outputBody(options: OutputBodyOptions, source: OutputSource): ReadableStream<Uint8Array> {
  const { clock, signal } = options;
  const waiting = { clock, timeoutMs: options.stallMs, signal, action: "fetch an output" };
  let connection: Connection | null = null;
  let offset = 0;
  let failures = 0;
  let canceled = false;

  async function next(open: Connection): Promise<Uint8Array | null> {
    open.reader ??= (await request(options, source, { offset, signal: open.cut.signal })).getReader();
    const { done, value } = await open.reader.read();
    if (done && offset < source.output.sizeBytes) {
      throw new FleetError("agent_unreachable", "Cannot fetch the output: it was cut off");
    }
    return done ? null : value;
  }

  function cut(): void {
    connection?.cut.abort();
    connection?.reader?.cancel().catch(() => {});
    connection = null;
  }

  /** The error to end with, or null to go on. */
  function judge(cause: unknown): unknown {
    if (signal.aborted) return signal.reason;
    const error = toAgentError(cause);
    failures += 1;
    if (isFinal(error)) return outputMissing(error);
    return failures >= options.tries ? error : null;
  }

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const open: Connection = connection ?? { reader: null, cut: new AbortController() };
        connection = open;
        try {
          const chunk = await withDeadline(waiting, () => next(open));
          failures = 0;
          if (canceled) return;
          if (chunk === null) return controller.close();
          offset += chunk.byteLength;
          return controller.enqueue(chunk);
        } catch (cause) {
          cut();
          if (canceled) return;
          const error = judge(cause);
          if (error !== null) {
            options.failed(error);
            return controller.error(error);
          }
          await clock.sleep(backoffMs(clock, failures, { firstMs: 200, maxMs: 5_000 }), signal);
          if (canceled) return;
        }
      }
    },
    cancel() {
      canceled = true;
      cut();
    },
  });
}
