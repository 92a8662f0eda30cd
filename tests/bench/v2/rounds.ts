/** One job of every client on every server in turns, each server beside its own ComfyUI driven directly. */
import { setTimeout as sleep } from "node:timers/promises";
import { connectDirectly, type DirectComfy } from "../direct-comfy.ts";
import type { Measurement } from "../measurement.ts";
import { percentile } from "../statistics.ts";
import type { SdkTarget } from "../../support/sdk/connect.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { type ConnectV2, isFalse, type V2Client } from "./client.ts";

export interface V2Server extends SdkTarget {
  /** `deno`, `node` or `proxy`. */
  name: string;
  comfyUrl: string;
  /** Goals are the fleet's alone. */
  isOurs: boolean;
}

export interface RoundsOptions {
  /** By the name of their measurements. */
  clients: Readonly<Record<string, ConnectV2>>;
  graph: () => Workflow;
  rounds: number;
  /** Unmeasured rounds before, so that code is compiled and connections are open. */
  warmUps: number;
  /** Above direct, ms, by client. */
  goals: Readonly<Record<string, { p50: number; p95?: number }>>;
  signal: AbortSignal;
  say: (text: string) => void;
}

/** Of comfy-api-proxy, which stalls for many seconds now and then, and compiles nothing. */
const RIVAL_WARM_UPS = 3;
/** What a server still does after an answer is over by then. */
const SETTLE_MS = 30;

interface Subject {
  server: V2Server;
  direct: DirectComfy;
  clients: Map<string, V2Client>;
  /** By client, `direct` too. */
  samples: Map<string, number[]>;
  errors: string[];
}

async function connectAll(server: V2Server, connects: RoundsOptions["clients"]): Promise<Subject> {
  const clients = new Map<string, V2Client>();
  for (const [name, connect] of Object.entries(connects)) clients.set(name, await connect(server));
  return { server, direct: await connectDirectly(server.comfyUrl), clients, samples: new Map(), errors: [] };
}

async function oneRound(subject: Subject, { graph }: RoundsOptions, isMeasured: boolean): Promise<void> {
  const { direct, clients, samples, errors } = subject;
  const keep = (name: string, ms: number) => {
    if (isMeasured) samples.set(name, [...samples.get(name) ?? [], ms]);
  };
  await sleep(SETTLE_MS);
  const startedMs = performance.now();
  const files = await direct.run(graph());
  if (files.length !== 1) throw new Error("Cannot measure: the job gave no picture");
  keep("direct", performance.now() - startedMs);
  for (const [name, client] of clients) {
    await sleep(SETTLE_MS);
    const outcome = await client.run(graph());
    // How long a wrong answer took says nothing.
    if (isFalse(outcome)) errors.push(`${name}: ${outcome.state}`);
    else keep(name, outcome.wallMs);
  }
}

function summarise({ server, samples }: Subject, { clients, goals }: RoundsOptions): Measurement[] {
  const at = (name: string, share: number) => percentile(samples.get(name) ?? [], share);
  return Object.keys(clients).flatMap((name) => {
    if (!samples.has(name)) return [];
    const line = (metric: "p50" | "p95", share: number): Measurement => {
      const baseline = at("direct", share);
      const added = server.isOurs ? goals[name]?.[metric] : undefined;
      return {
        ...{ bench: `v2/${server.name}`, metric: `${name}_${metric}`, value: at(name, share), unit: "ms", baseline },
        ...(added === undefined ? {} : { goal: baseline + added }),
      };
    };
    return [line("p50", 0.5), line("p95", 0.95)];
  });
}

export async function benchRounds(servers: readonly V2Server[], options: RoundsOptions): Promise<Measurement[]> {
  const subjects: Subject[] = [];
  try {
    for (const server of servers) subjects.push(await connectAll(server, options.clients));
    for (let round = -options.warmUps; round < options.rounds; round += 1) {
      options.signal.throwIfAborted();
      for (const subject of subjects) {
        if (!subject.server.isOurs && round < -RIVAL_WARM_UPS) continue;
        await oneRound(subject, options, round >= 0);
      }
    }
    for (const { server, errors } of subjects) {
      if (errors.length > 0) options.say(`${server.name}: ${errors.length} wrong answers, e.g. ${errors[0]}`);
    }
    return subjects.flatMap((subject) => summarise(subject, options));
  } finally {
    for (const { direct, clients } of subjects) {
      direct[Symbol.dispose]();
      for (const client of clients.values()) await client[Symbol.asyncDispose]();
    }
  }
}
