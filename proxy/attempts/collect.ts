/** Brings the outputs of a finished attempt home: checked, into the blob store or beside the rows to store. */
import { typeid } from "typeid-js";
import { FileName, type Output, outputTypeOf } from "../../contracts/asset.ts";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AssetId, AttemptId, JobId, PodId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { BlobStore } from "../assets/port.ts";
import type { Clock } from "../time/clock.ts";
import type { Agents } from "../pods/port.ts";
import type { NewAsset } from "../store/asset-store.ts";
import { inlineBytes } from "./inline-bytes.ts";
import { outputBody } from "./output-body.ts";
import type { AttemptTimings } from "./timings.ts";

export interface CollectOptions {
  agents: Agents;
  blobs: BlobStore;
  clock: Clock;
  timings: AttemptTimings;
}

export interface FinishedAttempt {
  podId: PodId;
  attemptId: AttemptId;
  jobId: JobId;
  tenantId: TenantId;
  outputs: readonly AttemptOutput[];
}

export interface Collected {
  outputs: Output[];
  /** One per different file; outputs with equal bytes and name share it. */
  assets: NewAsset[];
}

/** The last part of the name, fit for an asset; the job's output keeps the name that the node gave. */
export function assetFileName(name: string, index: number): string {
  const last = name.split(/[/\\]/).at(-1)?.replaceAll(/[\u0000-\u001f\u007f]/g, "") ?? "";
  const parsed = FileName.safeParse(last.slice(-255));
  return parsed.success ? parsed.data : `output-${index}`;
}

async function fetchOutput(
  options: CollectOptions,
  attempt: FinishedAttempt,
  { output, signal }: { output: AttemptOutput; signal: AbortSignal },
): Promise<void> {
  const { blobs, agents, clock, timings } = options;
  const { podId, attemptId, tenantId } = attempt;
  const { sha256, sizeBytes } = output;
  // Stored bytes of another size are broken, or the report is: fetching them anew shows which.
  if (await blobs.touch(tenantId, sha256) === sizeBytes) return;
  let failure: unknown = null;
  const failed = (error: unknown) => {
    failure = error;
  };
  const reading = { agents, clock, stallMs: timings.stallMs, tries: timings.collectTries, signal, failed };
  const body = outputBody(reading, { podId, attemptId, output });
  try {
    await blobs.put(tenantId, body, { maxBytes: sizeBytes, expected: { sha256, sizeBytes }, blake3: false, signal });
  } catch (error) {
    // Where nobody has begun to read it: the file could not be opened.
    body.cancel().catch(() => {});
    signal.throwIfAborted();
    throw failure ?? wrongOr(error);
  }
}

/** Bytes that are not those of the report are as good as gone; any other failure as it is. */
function wrongOr(error: unknown): unknown {
  if (!FleetError.is(error) || (error.code !== "hash_mismatch" && error.code !== "payload_too_large")) return error;
  return new FleetError("output_missing", "Cannot keep the output: its bytes are not those that the pod reported", {
    cause: error,
  });
}

/** Runs at most `parallel` at once; the first failure stops the rest. */
async function inParallel<T>(items: readonly T[], parallel: number, run: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed = false;
  const work = async () => {
    for (const item of queue) {
      if (failed) return;
      try {
        await run(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, work));
}

function refuseTooLarge(outputs: readonly AttemptOutput[], maxBytes: number): void {
  const large = outputs.find((output) => output.sizeBytes > maxBytes);
  if (!large) return;
  throw new FleetError("payload_too_large", `Cannot keep output '${large.name}': it has ${large.sizeBytes} bytes`, {
    hint: `At most ${maxBytes} bytes are stored; make a smaller file or raise MAX_UPLOAD_BYTES.`,
  });
}

/** One hash cannot have two sizes: then none of the report is to be believed. */
function refuseContradictions(outputs: readonly AttemptOutput[]): void {
  const sizes = new Map<string, number>();
  for (const { sha256, sizeBytes, name } of outputs) {
    if ((sizes.get(sha256) ?? sizeBytes) !== sizeBytes) {
      throw new FleetError(
        "output_missing",
        `Cannot keep output '${name}': the pod reports two sizes of the same bytes`,
      );
    }
    sizes.set(sha256, sizeBytes);
  }
}

/** Well under the time after which stored bytes that no row refers to are removed. */
export const KEPT_FOR_SURE_MS = 600_000;

/** The first ones may have been brought home hours ago: what no row refers to is removed after a while. */
async function checkStored(
  { blobs }: CollectOptions,
  tenantId: TenantId,
  outputs: readonly AttemptOutput[],
): Promise<void> {
  for (const { sha256, sizeBytes, name } of outputs) {
    if (await blobs.touch(tenantId, sha256) === sizeBytes) continue;
    throw new FleetError("internal", `Cannot keep output '${name}': its stored bytes are gone again`);
  }
}

function rowsOf(attempt: FinishedAttempt, inline: ReadonlyMap<Sha256, Uint8Array<ArrayBuffer>>): Collected {
  const assets = new Map<string, NewAsset>();
  const outputs = attempt.outputs.map((output): Output => {
    const fileName = assetFileName(output.name, output.index);
    const { nodeId, name, contentType, sizeBytes, sha256, temporary } = output;
    const key = `${sha256} ${fileName}`;
    const bytes = inline.get(sha256);
    const id: AssetId = assets.get(key)?.id ?? typeid("asset").toString();
    assets.set(key, {
      id,
      tenantId: attempt.tenantId,
      filePath: fileName,
      contentType,
      sizeBytes,
      sha256,
      blake3: null,
      ...(bytes === undefined ? {} : { bytes }),
    });
    const type = outputTypeOf(contentType, fileName);
    return { jobId: attempt.jobId, nodeId, name, type, contentType, sizeBytes, sha256, assetId: id, temporary };
  });
  return { outputs, assets: [...assets.values()] };
}

/**
 * Small outputs whose bytes came along are stored with their rows. What is in the blob store already is not fetched again,
 * so that a second call goes on where the first stopped.
 * @throws FleetError `output_missing` when the bytes are gone or wrong, `payload_too_large`, else what kept them from
 * being fetched or stored for now; the signal's reason when aborted.
 */
export async function collectOutputs(
  options: CollectOptions,
  attempt: FinishedAttempt,
  signal: AbortSignal,
): Promise<Collected> {
  refuseTooLarge(attempt.outputs, options.timings.maxOutputBytes);
  refuseContradictions(attempt.outputs);
  const { clock, timings } = options;
  const startedMs = clock.monotonicMs();
  const inline = inlineBytes(attempt.outputs);
  const distinct = [...new Map(attempt.outputs.map((output) => [output.sha256, output])).values()];
  const absent = distinct.filter(({ sha256 }) => !inline.has(sha256));
  await inParallel(absent, timings.collectParallel, (output) => fetchOutput(options, attempt, { output, signal }));
  if (clock.monotonicMs() - startedMs > KEPT_FOR_SURE_MS) await checkStored(options, attempt.tenantId, absent);
  return rowsOf(attempt, inline);
}
