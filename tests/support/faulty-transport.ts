/** The way from an edge to fake agents in this process, and everything that can go wrong on it. */
import { FleetError } from "../../contracts/errors.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { AgentTransport } from "../../proxy/pods/port.ts";
import type { FakeAgent } from "./fake-agent.ts";

/**
 * - `refuse`: nothing arrives, and the caller knows it.
 * - `lose_request`: nothing arrives, and the caller cannot know.
 * - `lose_answer`: the agent acts, its answer is lost.
 * - `hang`: the agent acts, its answer never comes.
 * - `cut_body`: the answer's body breaks after its first 4 bytes.
 */
export type Fault = "refuse" | "lose_request" | "lose_answer" | "hang" | "cut_body";

export interface FaultyTransport extends AgentTransport {
  readonly agents: Map<PodId, FakeAgent>;
  /** Applied to requests whose method and path match, as long as they are in the list. */
  readonly faults: { path: RegExp; fault: Fault; times: number }[];
  /** `METHOD /path` of every request, in order. */
  readonly requests: string[];
  /** Breaks every body that is being read, streams included. */
  cutAll(): void;
}

function failure(sent: boolean): FleetError {
  return new FleetError("agent_unreachable", "Cannot reach the agent: the test cut the line", { details: { sent } });
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

export function createFaultyTransport(): FaultyTransport {
  const agents = new Map<PodId, FakeAgent>();
  const faults: FaultyTransport["faults"] = [];
  const requests: string[] = [];
  const cuts = new Set<() => void>();

  function faultFor(name: string): Fault | null {
    const entry = faults.find(({ path }) => path.test(name));
    if (!entry) return null;
    entry.times -= 1;
    if (entry.times <= 0) faults.splice(faults.indexOf(entry), 1);
    return entry.fault;
  }

  /** The body, which a test can break at any moment or after a few bytes. */
  function breakable(body: ReadableStream<Uint8Array>, afterBytes: number): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      start(controller) {
        const cut = () => {
          cuts.delete(cut);
          controller.error(new TypeError("terminated"));
          void reader.cancel().catch(() => {});
        };
        cuts.add(cut);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        if (value.byteLength <= afterBytes) return controller.enqueue(value);
        controller.enqueue(value.slice(0, afterBytes));
        // Only after the reader has taken them: an errored stream drops what is queued.
        setTimeout(() => controller.error(new TypeError("terminated")), 0);
        void reader.cancel().catch(() => {});
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  return {
    agents,
    faults,
    requests,
    cutAll() {
      for (const cut of cuts) cut();
    },
    async fetch(podId, path, init) {
      const request = new Request(`http://agent.invalid${path}`, init);
      const name = `${request.method} ${new URL(request.url).pathname}`;
      requests.push(name);
      const agent = agents.get(podId);
      const fault = faultFor(name);
      if (!agent || fault === "refuse") throw failure(false);
      if (fault === "lose_request") throw failure(true);
      request.signal.throwIfAborted();
      const response = await agent.fetch(request);
      if (fault === "lose_answer") throw failure(true);
      if (fault === "hang") return await never(request.signal);
      if (response.body === null) return response;
      const body = breakable(response.body, fault === "cut_body" ? 4 : Number.POSITIVE_INFINITY);
      return new Response(body, response);
    },
  };
}
