/** The words that start this command again, for messages that tell a person what to type. */
import { basename, dirname, relative, resolve } from "node:path";

export interface Started {
  /** `process.argv[1]`: the package's bin keeps its own name there, a checkout shows the source. */
  script: string;
  cwd: string;
  env: Record<string, string | undefined>;
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/**
 * `comfyfleet` where the package's bin was started, `npx comfyfleet` where npx did, `npm run --silent cli --` in the
 * folder of a checkout (its node is npm's, whatever the machine's own is), else `node PATH`.
 */
export function invocation({ script, cwd, env }: Started): string {
  if (basename(script) === "comfyfleet") return env.npm_command === "exec" ? "npx comfyfleet" : "comfyfleet";
  const checkout = dirname(dirname(script));
  if (script.endsWith(".ts") && resolve(cwd) === checkout) return "npm run --silent cli --";
  const path = relative(cwd, script);
  return `node ${quoted(path.startsWith("..") ? script : path)}`;
}
