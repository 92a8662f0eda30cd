/** The control port of a fleet's fake-comfy: what it runs, and the faults that a test arms. */
import { z } from "zod";

const State = z.object({
  pid: z.number(),
  faults: z.array(z.object({ name: z.string() })),
  /** Clients that hear messages; a deaf one is not among them. */
  clientIds: z.array(z.string()),
  running: z.array(z.string()),
  pending: z.array(z.string()),
  /** Prompts that this process has begun, in order. */
  worker: z.object({ started: z.array(z.string()), alive: z.boolean() }),
});
export type StandInState = z.infer<typeof State>;

export interface StandIn {
  /** Rejects while no stand-in runs. */
  state(): Promise<StandInState>;
  arm(name: string, argument?: string): Promise<void>;
  clear(): Promise<void>;
}

export function connectStandIn(port: number): StandIn {
  const url = `http://127.0.0.1:${port}`;
  const signal = () => AbortSignal.timeout(5_000);
  return {
    async state() {
      return State.parse(await (await fetch(`${url}/state`, { signal: signal() })).json());
    },
    async arm(name, argument) {
      const body = JSON.stringify({ name, arg: argument ?? null });
      const response = await fetch(`${url}/faults`, { method: "POST", body, signal: signal() });
      if (!response.ok) throw new Error(await response.text());
    },
    async clear() {
      await fetch(`${url}/faults`, { method: "DELETE", signal: signal() });
    },
  };
}
