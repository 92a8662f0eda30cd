/**
 * The network namespace without a route out in which everything of the tailnet suite runs, the tests' own process
 * included: a daemon that were to leave its way would reach nobody.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const WITHOUT_ROOT = ["unshare", "--user", "--map-root-user", "--net"];
const AS_ROOT = ["unshare", "--net"];
const UP = 'ip link set lo up && exec "$@"';

function works([program = "", ...args]: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore", timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * A command that runs another one, which is to be appended, in a new namespace; null where this machine makes none.
 * Everything is replaced by `exec`: the process id and the process group stay.
 */
function findWrapper(): string[] | null {
  const ways = process.getuid?.() === 0 ? [WITHOUT_ROOT, AS_ROOT] : [WITHOUT_ROOT];
  const way = ways.find((one) => works([...one, "sh", "-c", UP, "sh", "true"]));
  return way ? [...way, "sh", "-c", UP, "sh"] : null;
}

export type NamespaceWrapper = { command: string[] } | { whyNot: string };

export function namespaceWrapper(): NamespaceWrapper {
  if (process.platform !== "linux") return { whyNot: "network namespaces are a thing of Linux" };
  for (const program of ["unshare", "ip", "nsenter"]) {
    if (!works([program, "-V"])) return { whyNot: `'${program}' is missing (packages util-linux and iproute2)` };
  }
  const command = findWrapper();
  return command ? { command } : { whyNot: "this machine lets nobody but root make network namespaces" };
}

/** True in a network namespace from which no route leads out, and that has no interface of the machine's. */
export function isIsolated(): boolean {
  const interfaces = readFileSync("/proc/net/dev", "utf8").split("\n").slice(2).flatMap((line) =>
    /^\s*([^:\s]+):/.exec(line)?.[1] ?? []
  );
  const routes = readFileSync("/proc/net/route", "utf8").split("\n").slice(1).map((line) => line.split("\t"));
  const ours = (name: string | undefined) => name === "lo" || name?.startsWith("cf-") === true;
  return interfaces.every(ours) &&
    routes.every(([name = "", destination]) => name === "" || destination !== "00000000");
}

/** Vitest's global set-up of the suite. */
export function setup(): void {
  if (isIsolated()) return;
  throw new Error(
    "Cannot run the tailnet suite here: this network has a way out\nHint: npm run test:tailnet makes one that has none.",
  );
}
