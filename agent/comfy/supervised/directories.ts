/** ComfyUI's private directories below the agent's state directory. ComfyUI refuses to start where one is missing. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AttemptId } from "../../../contracts/ids.ts";

export interface ComfyDirectories {
  input: string;
  output: string;
  user: string;
  frontEnd: string;
  /** Holds one directory per generation, named by its nonce. */
  tempRoot: string;
  logFile: string;
}

/** Instead of the frontend package: nobody opens ComfyUI's page, because nothing but the agent reaches it. */
const PAGE = "<!doctype html><title>ComfyUI of comfyfleet</title><p>This ComfyUI is used by its agent only.</p>\n";

/** Creates what is missing; private to this user. */
export function prepareDirectories(stateDir: string): ComfyDirectories {
  const root = join(stateDir, "comfy");
  const directories = {
    input: join(root, "input"),
    output: join(root, "output"),
    user: join(root, "user"),
    frontEnd: join(root, "front-end"),
    tempRoot: join(root, "temp"),
  };
  for (const path of Object.values(directories)) mkdirSync(path, { recursive: true, mode: 0o700 });
  writeFileSync(join(directories.frontEnd, "index.html"), PAGE);
  return { ...directories, logFile: join(root, "comfyui.log") };
}

/** What `--temp-directory` gets. */
export function tempArgument(directories: ComfyDirectories, nonce: string): string {
  return join(directories.tempRoot, nonce);
}

/** Where ComfyUI then puts its files: it adds a folder of its own. */
export function tempFolder(directories: ComfyDirectories, nonce: string): string {
  return join(tempArgument(directories, nonce), "temp");
}

/** Makes the temp directory of a new generation and removes those of generations that are gone. */
export function renewTemp(directories: ComfyDirectories, nonce: string): void {
  for (const old of readdirSync(directories.tempRoot)) {
    rmSync(join(directories.tempRoot, old), { recursive: true, force: true });
  }
  mkdirSync(tempArgument(directories, nonce), { recursive: true, mode: 0o700 });
}

/**
 * Removes what earlier generations left among the outputs, written by nodes that choose their own names. The folders of
 * attempts stay: their agent collects from them and removes them.
 */
export function emptyOutput(directories: ComfyDirectories): void {
  for (const name of readdirSync(directories.output)) {
    if (AttemptId.safeParse(name).success) continue;
    rmSync(join(directories.output, name), { recursive: true, force: true });
  }
}
