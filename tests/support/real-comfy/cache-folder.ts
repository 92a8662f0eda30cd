// Where test set-ups that are expensive to fetch are kept between runs.
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * The folder for fetched test set-ups: `COMFYFLEET_CACHE`, else `$XDG_CACHE_HOME/comfyfleet`, else `~/.cache/comfyfleet`.
 * It is not created here.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env.COMFYFLEET_CACHE;
  if (own) {
    if (!isAbsolute(own)) {
      throw new Error(`Cannot use COMFYFLEET_CACHE=${own}: it is not an absolute path\nHint: begin it with a slash.`);
    }
    return own;
  }
  const xdg = env.XDG_CACHE_HOME;
  // The XDG specification says that a relative value is to be ignored.
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "comfyfleet");
}
