/** Takes the place of `file-system.ts` in bundles for browsers, so that they name no module of Node. */
import { noFileSystem } from "./no-file-system.ts";

export function fileSystem(): Promise<never> {
  return Promise.reject(noFileSystem());
}
