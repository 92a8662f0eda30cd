/** `GET|HEAD /attempts/{attemptId}/outputs/{index}`: the bytes of a collected output, whole or in part. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { AttemptsPort } from "../../contracts/agent/ports.ts";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import { AttemptId } from "../../contracts/ids.ts";
import { readPart } from "../attempts/read-part.ts";
import type { Workspace } from "../attempts/workspace.ts";
import { parseRange } from "../../contracts/http/byte-range.ts";
import { matchesAny } from "../../contracts/http/entity-tag.ts";

export interface OutputRequest {
  method: string;
  attemptId: string;
  index: string;
  range: string | undefined;
  ifRange: string | undefined;
  ifNoneMatch: string | undefined;
}

/** Up to here one read and one write are quicker than a stream, and no burden. */
const WHOLE_BYTES = 256 * 1024;

interface OutputDeps {
  attempts: Pick<AttemptsPort, "get">;
  workspace: Workspace;
}

export async function outputResponse(request: OutputRequest, deps: OutputDeps): Promise<Response> {
  const { attemptId, output } = await findOutput(request, deps);
  const etag = `"${output.sha256}"`;
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": "private, no-store",
    "content-type": output.contentType,
    etag,
    "x-content-type-options": "nosniff",
  });
  if (matchesAny(request.ifNoneMatch, etag)) return new Response(null, { status: 304, headers });
  // Ranges are defined for GET alone.
  const isSameBytes = request.method === "GET" && (request.ifRange === undefined || request.ifRange === etag);
  const range = isSameBytes ? parseRange(request.range, output.sizeBytes) : null;
  if (range === "unsatisfiable") return unsatisfiable(output.sizeBytes);
  const lengthBytes = range ? range.end - range.start + 1 : output.sizeBytes;
  headers.set("content-length", String(lengthBytes));
  if (range) headers.set("content-range", `bytes ${range.start}-${range.end}/${output.sizeBytes}`);
  const status = range ? 206 : 200;
  if (request.method === "HEAD" || lengthBytes === 0) return new Response(null, { status, headers });
  const recent = deps.workspace.recent.get(output.sha256);
  if (recent !== null) {
    return new Response(recent.subarray(range?.start ?? 0, (range?.start ?? 0) + lengthBytes), { status, headers });
  }
  const path = deps.workspace.outputPath(attemptId, output.index);
  if (lengthBytes <= WHOLE_BYTES) {
    return new Response(await partOf(path, range?.start ?? 0, lengthBytes), { status, headers });
  }
  const file = createReadStream(path, range ?? {});
  return new Response(Readable.toWeb(file) as ReadableStream<Uint8Array>, { status, headers });
}

/** @throws Error for a file that is shorter than when it was collected */
async function partOf(path: string, start: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path, "r");
  try {
    const bytes = await readPart(file, { start, lengthBytes });
    if (bytes.length === lengthBytes) return bytes;
    throw new Error(`Cannot send ${path}: it ends before byte ${start + lengthBytes}`);
  } finally {
    // What was read needs no waiting for the descriptor.
    file.close().catch(() => undefined);
  }
}

async function findOutput(
  request: OutputRequest,
  { attempts }: OutputDeps,
): Promise<{ attemptId: AttemptId; output: AttemptOutput }> {
  const attemptId = AttemptId.safeParse(request.attemptId);
  const index = /^\d{1,6}$/.test(request.index) ? Number(request.index) : -1;
  const report = attemptId.success ? await attempts.get(attemptId.data) : null;
  const output = report?.outputs.find((one) => one.index === index);
  if (!attemptId.success || !output) {
    throw new FleetError("not_found", "Cannot find this output: there is no such attempt or no such index", {
      hint: "Read the attempt's final report; outputs go when the attempt is released.",
    });
  }
  return { attemptId: attemptId.data, output };
}

function unsatisfiable(sizeBytes: number): Response {
  const error = new FleetError("range_not_satisfiable", `Cannot send this range: there are ${sizeBytes} bytes`);
  return new Response(JSON.stringify({ error: error.toEnvelope() }), {
    status: 416,
    headers: { "content-range": `bytes */${sizeBytes}`, "content-type": "application/json" },
  });
}
