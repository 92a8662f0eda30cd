/**
 * Where a node runs: beside the tests, or on a machine of its own, which is a network namespace on the hub's bridge with a
 * 127.0.0.1 and an address of its own, whose cable can be pulled.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { until } from "../fleet/until.ts";

export interface Place extends Disposable {
  /** The command as it is run in this place. */
  wrap(command: readonly string[]): string[];
}

export interface Machine extends Place {
  readonly address: string;
  /** Its link stays up on both ends and leads nowhere: what it sends reaches nobody, and nobody is told. */
  cut(): void;
  mend(): void;
}

export interface Hub extends Disposable {
  /** Where the tests and headscale are, as machines see it. */
  readonly address: string;
  addMachine(): Promise<Machine>;
}

const BRIDGE = "cf-hub";
const NETWORK = "10.77.0";

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe", timeout: 10_000 });
}

/** Null where bridges and pairs of interfaces can be made, else what the kernel says to it. */
export function whyNoMachines(): string | null {
  try {
    ip("link", "add", "cf-try0", "type", "bridge");
    try {
      ip("link", "add", "cf-try1", "type", "veth", "peer", "name", "cf-try2");
      ip("link", "del", "cf-try1");
    } finally {
      ip("link", "del", "cf-try0");
    }
    return null;
  } catch (error) {
    return `no machines of their own: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

export const HERE: Place = { wrap: (command) => [...command], [Symbol.dispose]() {} };

/** What keeps a namespace each; they end with the tests, however those end. */
const holders = new Set<ChildProcess>();
process.once("exit", () => {
  for (const holder of holders) holder.kill("SIGKILL");
});

async function startNamespace(): Promise<{ pid: number; stop: () => void }> {
  const holder = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
  const pid = holder.pid ?? -1;
  const own = readlinkSync("/proc/self/ns/net");
  holders.add(holder);
  await until("a namespace", () => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) !== own || null;
    } catch {
      return null;
    }
  });
  return {
    pid,
    stop() {
      holders.delete(holder);
      holder.kill("SIGKILL");
    },
  };
}

async function addMachine(number: number): Promise<Machine> {
  const { pid, stop } = await startNamespace();
  const [link, address] = [`cf-v${number}`, `${NETWORK}.${number + 1}`];
  const inside = ["nsenter", "--target", String(pid), "--net", "--"];
  const run = (...args: string[]) => {
    const [program = "", ...rest] = [...inside, "ip", ...args];
    execFileSync(program, rest, { stdio: "pipe", timeout: 10_000 });
  };
  ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(pid));
  ip("link", "set", link, "master", BRIDGE, "up");
  run("link", "set", "lo", "up");
  run("addr", "add", `${address}/24`, "dev", "eth0");
  run("link", "set", "eth0", "up");
  // tailscaled asks for a default route before it believes in a network. This one leads to the hub, and no further.
  run("route", "add", "default", "via", `${NETWORK}.1`);
  return {
    address,
    wrap: (command) => [...inside, ...command],
    cut: () => ip("link", "set", link, "nomaster"),
    mend: () => ip("link", "set", link, "master", BRIDGE),
    [Symbol.dispose]: stop,
  };
}

export function startHub(): Hub {
  ip("link", "add", BRIDGE, "type", "bridge");
  ip("addr", "add", `${NETWORK}.1/24`, "dev", BRIDGE);
  ip("link", "set", BRIDGE, "up");
  const machines: Machine[] = [];
  return {
    address: `${NETWORK}.1`,
    async addMachine() {
      const machine = await addMachine(machines.length + 1);
      machines.push(machine);
      return machine;
    },
    [Symbol.dispose]() {
      for (const machine of machines) machine[Symbol.dispose]();
      ip("link", "del", BRIDGE);
    },
  };
}
