/** What every command is given. */
import type { Fleet } from "../client/mod.ts";
import type { Renderer, Terminal } from "./output/renderer.ts";

export interface CliContext {
  /** What a person types to start this command again, e.g. `comfyfleet`. */
  command: string;
  env: Record<string, string | undefined>;
  terminal: Terminal;
  render: Renderer;
  /** Aborted by the first Ctrl-C or SIGTERM; a second one ends the process. */
  interrupted: AbortSignal;
  /** `--pod`: the agent to call directly, instead of asking an edge. */
  podHost: string | undefined;
  /** Connects with the flags, environment or saved credentials. */
  fleet(flags: { url?: string; key?: string }): Fleet;
}
