/**
 * An agent whose every word a test decides, behind the real contract: router, superjson, SSE and raw HTTP, in this
 * process. Its transport can refuse, lose answers, hang and cut bytes.
 */
import { createHash } from "node:crypto";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import type { GpuVerdict } from "../../contracts/agent/gpu.ts";
import type { Beat, PodEvent, Slot } from "../../contracts/agent/messages.ts";
import type { AgentContext, ComfyPort } from "../../contracts/agent/ports.ts";
import { agentRouter } from "../../contracts/agent/router.ts";
import { readyCondition, reportOf } from "./agent-reports.ts";
import type { AttemptReport, StartAttempt, StartResult } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import { type AttemptId, BootId } from "../../contracts/ids.ts";
import type { Condition, PodCapability } from "../../contracts/pod.ts";
import { PROTOCOL, type ProtocolRange } from "../../contracts/protocol.ts";
import { typeid } from "typeid-js";

export interface FakeAgent {
  bootId: BootId;
  protocol: ProtocolRange;
  slots: Slot[];
  conditions: Condition[];
  capability: PodCapability;
  /** Null: an agent that judges no GPU. */
  verdict: GpuVerdict | null;
  readonly attempts: Map<AttemptId, AttemptReport>;
  /** Bytes given to `PUT /inputs`. */
  readonly inputs: Map<string, Uint8Array>;
  /** Bytes behind `GET /attempts/{id}/outputs/{index}`, by that path. */
  readonly outputs: Map<string, Uint8Array>;
  readonly objectInfo: Map<string, string>;
  readonly beats: Beat[];
  readonly starts: StartAttempt[];
  readonly released: AttemptId[];
  highestEpoch: number;
  /** Decides on a start; by default it is accepted when every input is there. */
  onStart: (order: StartAttempt) => StartResult;
  /** By default the report as it is. */
  onWithdraw: (known: AttemptReport) => AttemptReport;
  onDescribe: () => void;
  /** Stores the report and tells every watcher. */
  report(report: AttemptReport): void;
  /** Tells every watcher how the pod is now. */
  changed(): void;
  /** Streams that are open. */
  watchers(): number;
  fetch(request: Request): Promise<Response>;
}

async function* follow(source: { listeners: Set<(event: PodEvent) => void>; first: PodEvent }, signal: AbortSignal) {
  const queue = [source.first];
  let wake = () => {};
  const listener = (event: PodEvent) => {
    queue.push(event);
    wake();
  };
  source.listeners.add(listener);
  signal.addEventListener("abort", () => wake());
  try {
    while (!signal.aborted) {
      for (let event = queue.shift(); event; event = queue.shift()) yield event;
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    source.listeners.delete(listener);
  }
}

/** No test asks a fake agent for what operators ask of a real one. */
function unasked(): ComfyPort {
  const refuse = (): never => {
    throw new FleetError("conflict", "Cannot ask a fake agent for its ComfyUI");
  };
  return { status: refuse, restart: refuse, free: refuse, logs: refuse, followLogs: refuse };
}

export function createFakeAgent(): FakeAgent {
  const listeners = new Set<(event: PodEvent) => void>();
  const snapshot = (): PodEvent => ({
    type: "pod",
    slots: agent.slots,
    conditions: agent.conditions,
    capability: agent.capability,
    verdict: agent.verdict,
  });

  function accept(order: StartAttempt): StartResult {
    const hashes = order.inputs.map((input) => input.sha256).filter((hash) => !agent.inputs.has(hash));
    if (hashes.length > 0) return { status: "missing_input", hashes };
    if (!agent.attempts.has(order.attemptId)) {
      agent.attempts.set(order.attemptId, reportOf(order, "accepted"));
      agent.slots = agent.slots.map((slot, index) => index === 0 ? { ...slot, attemptId: order.attemptId } : slot);
    }
    return { status: "accepted" };
  }

  function known(attemptId: AttemptId): AttemptReport {
    const report = agent.attempts.get(attemptId);
    if (!report) throw new FleetError("not_found", "Cannot find the attempt: this agent does not hold it");
    return report;
  }

  function fence(epoch: number): void {
    if (epoch < agent.highestEpoch) throw new FleetError("stale_epoch", "Cannot obey: a newer edge holds this pod");
    agent.highestEpoch = epoch;
  }

  const context: AgentContext = {
    requestId: "test",
    gpu: {
      sample: () => Promise.resolve({ sampledAt: null, gpus: [], problem: "As the test says." }),
      verdict: () =>
        agent.verdict ? Promise.resolve(agent.verdict) : Promise.reject(new FleetError("not_found", "None")),
    },
    pod: {
      // deno-lint-ignore require-await
      async describe() {
        agent.onDescribe();
        return { protocol: agent.protocol, podId: null, bootId: agent.bootId, capability: agent.capability };
      },
      // deno-lint-ignore require-await
      async beat(beat) {
        fence(beat.epoch);
        agent.beats.push(beat);
        const { bootId, slots, conditions, capability, verdict } = agent;
        return { bootId, slots, attempts: [...agent.attempts.values()], conditions, capability, verdict };
      },
      watch: (signal) => follow({ listeners, first: snapshot() }, signal),
    },
    attempts: {
      // deno-lint-ignore require-await
      async start(order) {
        fence(order.epoch);
        agent.starts.push(order);
        return agent.onStart(order);
      },
      // deno-lint-ignore require-await
      async withdraw(id) {
        return agent.onWithdraw(known(id));
      },
      cancel: (id) => Promise.resolve(known(id)),
      // deno-lint-ignore require-await
      async get(id) {
        return known(id);
      },
      async *watch(id, _options, signal) {
        yield { type: "report", report: known(id) } as const;
        const source = follow({ listeners, first: snapshot() }, signal);
        for await (const event of source) {
          if (event.type === "attempt" && event.report.attemptId === id) yield { type: "report", report: event.report };
        }
      },
      // deno-lint-ignore require-await
      async release(ids) {
        agent.released.push(...ids);
        for (const id of ids) agent.attempts.delete(id);
      },
    },
    comfy: unasked(),
    tailnet: {
      selfCheck: () => Promise.reject(new FleetError("conflict", "Cannot look at the tailnet: as the test says")),
    },
  };

  const app = new Hono();
  app.all(
    "/trpc/*",
    (c) =>
      fetchRequestHandler({ endpoint: "/trpc", req: c.req.raw, router: agentRouter, createContext: () => context }),
  );
  app.put("/inputs/:sha256", async (c) => {
    const bytes = new Uint8Array(await c.req.raw.arrayBuffer());
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (sha256 !== c.req.param("sha256")) {
      const error = new FleetError("hash_mismatch", "Cannot keep the input: its bytes have another hash");
      return c.json({ error: error.toEnvelope() }, 409);
    }
    agent.inputs.set(sha256, bytes);
    return c.body(null, 201);
  });
  app.get("/object-info/:sha256", (c) => {
    const body = agent.objectInfo.get(c.req.param("sha256"));
    return body === undefined ? c.json({}, 404) : c.body(body, 200, { "content-type": "application/json" });
  });
  app.get("/attempts/:id/outputs/:index", (c) => {
    const bytes = agent.outputs.get(c.req.path);
    if (!bytes) return c.json({ error: new FleetError("not_found", "Cannot find the output").toEnvelope() }, 404);
    const from = Number(/^bytes=(\d+)-$/.exec(c.req.header("range") ?? "")?.[1] ?? 0);
    const etag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
    return new Response(bytes.slice(from), { status: from > 0 ? 206 : 200, headers: { etag } });
  });

  const agent: FakeAgent = {
    bootId: BootId.parse(typeid("boot").toString()),
    protocol: PROTOCOL,
    slots: [{ index: 0, ready: true, attemptId: null }],
    conditions: [readyCondition()],
    capability: {
      agentVersion: "0.1.0",
      comfyVersion: "0.33.0",
      comfyMode: "supervised",
      devices: [],
      objectInfoSha256: null,
    },
    verdict: null,
    attempts: new Map(),
    inputs: new Map(),
    outputs: new Map(),
    objectInfo: new Map(),
    beats: [],
    starts: [],
    released: [],
    highestEpoch: 0,
    onStart: accept,
    onWithdraw: (report) => report,
    onDescribe: () => {},
    report(report) {
      agent.attempts.set(report.attemptId, report);
      for (const listener of listeners) listener({ type: "attempt", report });
    },
    changed() {
      for (const listener of listeners) listener(snapshot());
    },
    watchers: () => listeners.size,
    fetch: async (request) => await app.fetch(request),
  };
  return agent;
}
