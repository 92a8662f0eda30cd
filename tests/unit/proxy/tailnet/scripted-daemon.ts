// A daemon's LocalAPI as an object: tests push lines of its bus, and say what it answers.
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { FleetError } from "../../../../contracts/errors.ts";
import type { LocalApi } from "../../../../contracts/tailnet/local-api.ts";
import { BusLine, DaemonStatus, type PingResult } from "../../../../contracts/tailnet/local-api-schemas.ts";

interface Node {
  id: number;
  host: string;
  tags?: string[];
  online?: boolean;
  discoKey?: string;
}

/** As `/status` has it. */
export function statusOf(nodes: Node[], change: Record<string, unknown> = {}): DaemonStatus {
  const peers = nodes.map(({ id, host, tags = ["tag:pod"], online = true }) => ({
    ID: `n${id}`,
    NodeID: id,
    HostName: host,
    DNSName: `${host}.tail.test.`,
    TailscaleIPs: [`100.64.0.${id}`, `fd7a::${id}`],
    Tags: tags,
    Online: online,
  }));
  return DaemonStatus.parse({
    BackendState: "Running",
    Version: "1.102.3",
    Self: { ID: "self", HostName: "edge", Tags: ["tag:edge"], TailscaleIPs: ["100.64.0.1"] },
    Peer: Object.fromEntries(peers.map((peer) => [`key:${peer.ID}`, peer])),
    ...change,
  });
}

/** As the bus's later lines have it. */
export function nodeOf({ id, host, tags = ["tag:pod"], online = true, discoKey = `disco:${id}` }: Node) {
  return {
    ID: id,
    StableID: `n${id}`,
    Name: `${host}.tail.test.`,
    Addresses: [`100.64.0.${id}/32`, `fd7a::${id}/128`],
    Tags: tags,
    Online: online,
    DiscoKey: discoKey,
    Hostinfo: { Hostname: host },
  };
}

export const lineOf = (line: Record<string, unknown>): BusLine => BusLine.parse(line);

type Item = { line: BusLine } | { end: true } | { error: unknown };

export interface ScriptedDaemon {
  api: LocalApi<Duplex>;
  /** Sent to the bus that is open, or kept for the next. */
  say(line: Record<string, unknown>): void;
  /** The bus ends in order, or with an error; `run` opens the next. */
  cut(error?: unknown): void;
  status: DaemonStatus;
  /** Null: no bus can be opened. */
  down: boolean;
  opened: number;
  statusCalls: number;
  pings: string[];
  onPing: (ip: string, signal: AbortSignal) => Promise<PingResult>;
  dials: { host: string; port: number }[];
  onDial: (to: { host: string; port: number }, signal: AbortSignal) => Promise<Duplex>;
}

export function unansweredUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** What the LocalAPI's client says of a dial that nobody answered. */
export async function silentDial(_to: unknown, signal: AbortSignal): Promise<never> {
  await unansweredUntil(signal).catch(() => {});
  throw new FleetError("agent_unreachable", "Cannot reach the agent over the tailnet: no answer in time", {
    details: { sent: false },
  });
}

export function connectTo(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket)).once("error", reject);
  });
}

export function createScriptedDaemon(): ScriptedDaemon {
  const items: Item[] = [];
  let wake = () => {};
  const push = (item: Item) => {
    items.push(item);
    wake();
  };
  const daemon: ScriptedDaemon = {
    status: statusOf([]),
    down: false,
    opened: 0,
    statusCalls: 0,
    pings: [],
    dials: [],
    onPing: () => Promise.resolve({ LatencySeconds: 0.002, Endpoint: "192.0.2.1:41641" }),
    onDial: silentDial,
    say: (line) => push({ line: lineOf(line) }),
    cut: (error) => push(error === undefined ? { end: true } : { error }),
    api: {
      status() {
        daemon.statusCalls += 1;
        return daemon.down ? Promise.reject(new Error("no daemon")) : Promise.resolve(daemon.status);
      },
      whois: () => Promise.resolve(null),
      async *watchBus(signal) {
        daemon.opened += 1;
        if (daemon.down) throw new Error("no daemon");
        yield lineOf({ InitialStatus: { ...daemon.status, Peer: statusRecord(daemon.status) } });
        for (;;) {
          for (let item = items.shift(); item; item = items.shift()) {
            if ("end" in item) return;
            if ("error" in item) throw item.error;
            yield item.line;
          }
          await Promise.race([new Promise<void>((resolve) => (wake = resolve)), unansweredUntil(signal)]);
        }
      },
      ping(ip, signal) {
        daemon.pings.push(ip);
        return daemon.onPing(ip, signal);
      },
      start: () => Promise.resolve(),
      login: () => Promise.resolve(),
      logout: () => Promise.resolve(),
      dial(to, signal) {
        daemon.dials.push(to);
        return daemon.onDial(to, signal);
      },
    },
  };
  return daemon;
}

/** The wire has peers by node key. */
function statusRecord({ Peer }: DaemonStatus): Record<string, unknown> {
  return Object.fromEntries(Peer.map((peer) => [`key:${peer.ID}`, peer]));
}
