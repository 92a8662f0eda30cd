/** The agent of this machine over its health socket, which only its own user may open. */
import { request } from "node:http";
import { join, resolve } from "node:path";
import { FleetError } from "../../contracts/errors.ts";

export interface SocketOptions {
  /** The agent's state directory. */
  state?: string | undefined;
  env: Record<string, string | undefined>;
}

export interface SocketAnswer {
  status: number;
  body: unknown;
}

/** The self-check dials every edge, with seconds for each. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;
const DEFAULT_STATE_DIR = ".comfyfleet/agent";

/** The flag counts, then the variables that the agent was started with. */
export function healthSocketPath({ state, env }: SocketOptions): string {
  if (state !== undefined) return resolve(state, "health.sock");
  return resolve(env.AGENT_HEALTH_SOCKET || join(env.AGENT_STATE_DIR || DEFAULT_STATE_DIR, "health.sock"));
}

function notThere(socketPath: string, cause: unknown): FleetError {
  return new FleetError("agent_unreachable", `Cannot ask the agent: nothing answers at ${socketPath}`, {
    hint: "Check that it runs, and name its state directory with --state (or AGENT_STATE_DIR).",
    cause,
  });
}

/** @throws FleetError `agent_unreachable`; the signal's reason */
export function askAgent(path: string, options: SocketOptions, signal: AbortSignal): Promise<SocketAnswer> {
  const socketPath = healthSocketPath(options);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(signal.aborted ? signal.reason : notThere(socketPath, error));
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const sent = request({ socketPath, path, agent: false, signal: bounded }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("error", fail).on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_CHARS) answer.destroy(new Error("the answer is too large"));
      });
      answer.on("end", () => {
        try {
          resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) });
        } catch (error) {
          fail(error);
        }
      });
    });
    sent.on("error", fail).end();
  });
}
