/** Size limit for bodies that are read whole. Streams (uploads) count for themselves. */
import { FleetError } from "../errors.ts";

export interface BodyLimit {
  maxBytes: number;
  /** The setting that an operator would raise. */
  setting: string;
  /** How long all of it may take to come, ms. @default 60_000 */
  withinMs?: number;
}

const WITHIN_MS = 60_000;

function tooLarge({ maxBytes, setting }: BodyLimit): FleetError {
  return new FleetError("payload_too_large", `Cannot accept the request: its body is over ${maxBytes} bytes`, {
    hint: `Upload large inputs and refer to them; the operator can raise ${setting}.`,
    details: { maxBytes },
  });
}

/** @throws FleetError `upload_interrupted` when the work is not done in time */
async function inTime<T>(work: Promise<T>, withinMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const seconds = Math.round(withinMs / 1_000);
    late.reject(
      new FleetError("upload_interrupted", `Cannot read the request: its body did not come within ${seconds} s`, {
        hint: "Send it again, all of it at once.",
      }),
    );
  }, withinMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The request itself when it declares a length within the limit (the server holds it to that), else one whose body has
 * been read, at most `maxBytes` of it. Its `text()`, which is what procedures are read from, has a deadline.
 * @throws FleetError `payload_too_large`, before reading when the declared length says so; `upload_interrupted` when the
 * body does not come in time: somebody who sends a byte now and then must not be waited for.
 */
export async function readLimited(request: Request, limit: BodyLimit): Promise<Request> {
  const declared = declaredLength(request, limit);
  const withinMs = limit.withinMs ?? WITHIN_MS;
  if (declared === null && request.body !== null) return await inTime(readChunks(request, limit), withinMs);
  for (const read of ["text", "arrayBuffer"] as const) {
    const whole: () => Promise<unknown> = request[read].bind(request);
    Object.defineProperty(request, read, { value: () => inTime(whole(), withinMs) });
  }
  return request;
}

/** The same for whoever wants its text. @throws what {@link readLimited} throws */
export async function readTextLimited(request: Request, limit: BodyLimit): Promise<string> {
  if (declaredLength(request, limit) === null) return await (await readLimited(request, limit)).text();
  return await inTime(request.text(), limit.withinMs ?? WITHIN_MS);
}

function declaredLength(request: Request, limit: BodyLimit): number | null {
  const declared = request.headers.get("content-length");
  if (declared === null) return null;
  if (Number(declared) > limit.maxBytes) throw tooLarge(limit);
  return Number(declared);
}

async function readChunks(request: Request, limit: BodyLimit): Promise<Request> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limit.maxBytes) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body: new Blob(chunks) });
}
