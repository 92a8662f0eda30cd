/** A blob store in a folder of its own, and bytes to put into it. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError } from "../../../../contracts/errors.ts";
import { createFolderStore } from "../../../../proxy/assets/folder-store.ts";
import type { UploadRequest } from "../../../../proxy/assets/port.ts";

export async function temporaryBlobs(options: { stallTimeoutMs?: number } = {}) {
  const root = mkdtempSync(join(tmpdir(), "comfyfleet-assets-"));
  const blobs = await createFolderStore({ root, ...options });
  return {
    root,
    blobs,
    /** Every file below the root, relative to it. */
    files: () =>
      readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) =>
        join(entry.parentPath, entry.name).slice(root.length + 1)
      ),
    [Symbol.asyncDispose]: () => Promise.resolve(rmSync(root, { recursive: true, force: true })),
  };
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A stream of these chunks; then it ends, breaks off or hangs. */
export function streamOf(chunks: readonly Uint8Array[], end: "ends" | "breaks" | "hangs" = "ends") {
  const canceled = Promise.withResolvers<unknown>();
  let next = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks[next++];
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (end === "ends") controller.close();
      else if (end === "breaks") controller.error(new Error("socket hang up"));
      else await new Promise(() => undefined);
    },
    cancel: (reason) => canceled.resolve(reason),
  }, { highWaterMark: 0 });
  return { body, canceled: canceled.promise };
}

/** An upload of this text, with nothing said of it that need not be said. */
export function uploadOf(text: string, change: Partial<UploadRequest> = {}): UploadRequest {
  return {
    filePath: "a.png",
    contentType: null,
    contentLength: null,
    expected: {},
    expiresInMs: null,
    idempotency: null,
    body: streamOf([bytes(text)]).body,
    signal: new AbortController().signal,
    ...change,
  };
}

export async function failureOf(promise: Promise<unknown>): Promise<FleetError> {
  const error = await promise.then(() => null, (thrown: unknown) => thrown);
  if (!FleetError.is(error)) throw new Error(`expected a FleetError, got ${String(error)}`);
  return error;
}
