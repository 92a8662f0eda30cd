/** Runs before every suite: the tests must run on the pinned Node and find the pinned Deno itself, not a launcher. */
import { open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { repositoryRoot } from "./run-step.ts";

/** Vitest's global set-up. Throws with what to do when the tool chain is not the one of package.json. */
export async function setup(): Promise<void> {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 24) {
    throw new Error(`Cannot run the tests: Node ${process.versions.node} runs them, 24 is needed; use "npm test"`);
  }
  const deno = await realpath(join(repositoryRoot, "node_modules", ".bin", "deno"));
  const file = await open(deno);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  await file.close();
  // A "#!" launcher would take the signals that tests send to the edge, and leave Deno running.
  if (buffer.toString("latin1") === "#!") {
    throw new Error(`Cannot run the tests: ${deno} is a launcher; run "npm rebuild deno"`);
  }
}
