/** Everything a run made, as files of our own: hashed, named, in ComfyUI's order, each file once. */
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { MAX_OUTPUTS } from "../../contracts/bounds.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { ComfyFile } from "../comfy/port.ts";
import { type OutputSource, sourcesIn, type TakeDeps, takeSource } from "./output-source.ts";
import type { EarlyOutput, FoundOutputs } from "./record.ts";

const FILES_AT_ONCE = 4;

/** So many small files are taken in one go. */
const MAX_IN_ONE_GO = 8;

export interface CollectDeps extends Omit<TakeDeps, "inOneGo" | "signal"> {
  /** ComfyUI's folders are below our own state directory. */
  isOwnDisk: boolean;
  /** Those that were reported before the end keep their index, and are taken anew like the others. */
  early: readonly EarlyOutput[];
  /** A temporary output that is no longer there; the job's other outputs stand without it. */
  onMissingTemporary: (file: ComfyFile) => void;
}

/**
 * Takes the place of what is there, so that an interrupted collection is simply repeated.
 * Temporary files that are gone, which go with their ComfyUI, are left out, unless nothing would be left.
 * @throws FleetError `output_missing` when a file is not there, `payload_too_large` when there are more than an edge
 * takes; file system errors as they are.
 */
export async function collectOutputs(
  found: FoundOutputs,
  deps: CollectDeps,
  signal: AbortSignal,
): Promise<AttemptOutput[]> {
  const { onMissingTemporary } = deps;
  const sources = sourcesIn(found);
  refuseTooMany(sources.length);
  const inOneGo = deps.isOwnDisk && sources.length <= MAX_IN_ONE_GO;
  const indexes = indexesOf(sources, deps.early);
  const outputs: AttemptOutput[] = [];
  const missing: Missing[] = [];
  for (let first = 0; first < sources.length; first += FILES_AT_ONCE) {
    signal.throwIfAborted();
    const batch = sources.slice(first, first + FILES_AT_ONCE);
    const works = batch.map((source, at) => take(source, indexes[first + at] ?? 0, { ...deps, inOneGo, signal }));
    const taken = await allDone(works);
    for (const output of taken) {
      if ("missing" in output) missing.push(output);
      else outputs.push(output);
    }
  }
  if (outputs.length === 0 && missing[0] !== undefined) throw missing[0].error;
  for (const { missing: file } of missing) onMissingTemporary(file);
  return outputs;
}

interface Missing {
  missing: ComfyFile;
  error: FleetError;
}

/** From 0 on in order; where some have one already, the others come after those. */
function indexesOf(sources: readonly OutputSource[], early: readonly EarlyOutput[]): number[] {
  const taken = new Map(early.map(({ source, output }) => [source, output.index]));
  let next = Math.max(-1, ...taken.values());
  return sources.map(({ key }) => taken.get(key) ?? (next += 1));
}

function refuseTooMany(count: number): void {
  if (count <= MAX_OUTPUTS) return;
  throw new FleetError("payload_too_large", `Cannot collect the outputs: there are ${count} of them`, {
    hint: `At most ${MAX_OUTPUTS} are kept; save frames as one video, or split the batch.`,
  });
}

/** Waits for all before it throws the first failure, so that nothing writes afterwards. */
async function allDone<T>(works: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

async function take(source: OutputSource, index: number, deps: TakeDeps): Promise<AttemptOutput | Missing> {
  try {
    return await takeSource(source, index, deps);
  } catch (error) {
    const isTemporary = "file" in source && source.file.type === "temp";
    if (!isTemporary || !FleetError.is(error) || error.code !== "output_missing") throw error;
    return { missing: source.file, error };
  }
}
