/** Output bytes to a file on this machine: verified, all or nothing. Loads the file system only when used. */
import type { Output } from "../contracts/asset.ts";
import { FleetError } from "../contracts/errors.ts";
import { fileSystem } from "./file-system.ts";
import { retrying } from "./retry.ts";

export interface SaveOptions {
  open: (signal?: AbortSignal) => Promise<Response>;
  output: Output;
  target: string;
  signal: AbortSignal | undefined;
}

const PATIENCE_MS = 20_000;

async function resolveTarget(target: string, name: string): Promise<string> {
  const { mkdir, stat, dirname, join } = await fileSystem();
  const isFolder = /[/\\]$/.test(target) || await stat(target).then((found) => found.isDirectory(), () => false);
  // The name came from a pod: only its last part counts.
  const path = isFolder ? join(target, name.split(/[/\\]/).pop() || "output") : target;
  await mkdir(dirname(path), { recursive: true });
  return path;
}

/** The body's chunks. Only a cut of the transfer is worth another try: what the disk says passes through as it is. */
async function* received(response: Response, name: string, signal: AbortSignal | undefined) {
  try {
    yield* response.body ?? new Blob([]).stream();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new FleetError("edge_unreachable", `Cannot download ${name}: the transfer was cut`, { cause });
  }
}

export async function saveVerified({ open, output, target, signal }: SaveOptions): Promise<string> {
  const { createHash, randomUUID, open: openFile, rename, rm } = await fileSystem();
  const path = await resolveTarget(target, output.name);
  const partial = `${path}.${randomUUID()}.part`;

  async function download(): Promise<void> {
    const response = await open(signal);
    const hash = createHash("sha256");
    const file = await openFile(partial, "w");
    try {
      for await (const chunk of received(response, output.name, signal)) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    if (hash.digest("hex") !== output.sha256) {
      throw new FleetError("hash_mismatch", `Cannot save ${output.name}: the bytes received are not those of the job`);
    }
  }

  try {
    await retrying(download, PATIENCE_MS, signal);
    await rename(partial, path);
    return path;
  } finally {
    await rm(partial, { force: true });
  }
}
