/** Puts an attempt's inputs where ComfyUI's loaders find them: on disk, or by upload where its folders are not ours. */
import { constants, openAsBlob } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import type { AttemptInput } from "../../contracts/attempt.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import { assetUses } from "../../contracts/workflow.ts";
import type { ComfyApi } from "../comfy/port.ts";
import type { InputStore } from "./input-store.ts";
import type { Order } from "./record.ts";
import type { Workspace } from "./workspace.ts";

export interface StageDeps {
  inputs: InputStore;
  workspace: Workspace;
  api: ComfyApi;
}

/** The inputs that the graph uses; an order may name more. */
export function usedInputs(order: Pick<Order, "workflow" | "inputs">): AttemptInput[] {
  const used = new Set<string>(assetUses(order.workflow).map((use) => use.assetId));
  const byAsset = new Map(
    order.inputs.filter(({ assetId }) => used.has(assetId)).map((input) => [input.assetId, input]),
  );
  return [...byAsset.values()];
}

/** Loaders look at the extension; everything else of a foreign name stays out of our paths. */
function stagedName(input: AttemptInput, index: number): string {
  const extension = extname(input.fileName).toLowerCase();
  return `${index}${/^\.[a-z0-9]{1,16}$/.test(extension) ? extension : ""}`;
}

/**
 * @returns Name below ComfyUI's input folder, by asset id.
 * @throws Error with code `ENOENT` when the store has lost an input.
 */
export async function stageInputs(order: Order, deps: StageDeps, signal: AbortSignal): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const used = usedInputs(order);
  if (used.length === 0) return names;
  const folder = deps.workspace.folders?.input ?? null;
  if (folder !== null) await renewFolder(join(folder, order.attemptId));
  for (const [index, input] of used.entries()) {
    const name = stagedName(input, index);
    const path = await deps.inputs.use(input.sha256);
    if (folder === null) {
      names.set(input.assetId, await upload(deps.api, { path, name, attemptId: order.attemptId }, signal));
    } else {
      // Never a link: a node that writes its input would change the store's bytes under their hash, for every later job.
      await copyFile(path, join(folder, order.attemptId, name), constants.COPYFILE_FICLONE);
      names.set(input.assetId, `${order.attemptId}/${name}`);
    }
  }
  return names;
}

async function renewFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
}

async function upload(
  api: ComfyApi,
  file: { path: string; name: string; attemptId: AttemptId },
  signal: AbortSignal,
): Promise<string> {
  const body = await openAsBlob(file.path);
  return await api.upload({ name: file.name, subfolder: file.attemptId, body }, signal);
}
