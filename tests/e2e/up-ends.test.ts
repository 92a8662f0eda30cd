/** However `up` ends, what it started ends too, and the next `up` starts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { childrenOf, type CliProcess, startCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { killLeftovers, processesNaming } from "../support/fleet/leftovers.ts";

const ENTRY = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Edge, agent and ComfyUI end one after the other, each within its own deadline. */
const GONE_MS = 15_000;

let cwd: string;
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-ends-")));
});
afterEach(() => {
  killLeftovers(cwd);
  rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
});

async function startUp(...args: string[]): Promise<CliProcess> {
  const up = startCli(["up", "--port", "0", ...args], { cwd });
  await until(`up to be ready: ${up.stderr()}`, () => up.stdout().includes("Ctrl-C") || null, 45_000);
  return up;
}

/** Edge, agent and ComfyUI; the last is known by the state folder on its command line. */
function startedBy(upPid: number): number[] {
  const children = childrenOf(upPid).map(({ pid }) => pid);
  const grandchildren = children.flatMap((pid) => childrenOf(pid)).map(({ pid }) => pid);
  expect(children).toHaveLength(2);
  expect(grandchildren).toHaveLength(1);
  return [...children, ...grandchildren];
}

function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return false;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function allGone(pids: number[]): Promise<void> {
  await until("edge, agent and ComfyUI to be gone", () => pids.some(isAlive) ? null : true, GONE_MS);
  expect(processesNaming(cwd)).toEqual([]);
}

describe.each(EDGE_RUNTIMES)("comfyfleet up, with the edge on %s", (runtime) => {
  it("leaves nothing running when it is killed, and starts again", async () => {
    const first = await startUp("--runtime", runtime);
    const started = startedBy(first.pid);
    first.signal("SIGKILL");
    await allGone(started);
    const second = await startUp("--runtime", runtime);
    second.signal("SIGINT");
    expect((await second.ended()).code).toBe(0);
  });
});

describe("comfyfleet up", () => {
  it("stops everything in order when its terminal is closed", async () => {
    const up = await startUp("--runtime", "node");
    const started = startedBy(up.pid);
    process.kill(up.pid, "SIGHUP");
    const { code, stderr } = await up.ended();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Stopping$/m);
    await allGone(started);
  });

  it("is not stopped twice by a Ctrl-C that the terminal and npm both send", async () => {
    const up = await startUp("--runtime", "node");
    const started = startedBy(up.pid);
    up.signal("SIGINT");
    up.signal("SIGINT");
    expect((await up.ended()).code).toBe(0);
    expect(started.filter(isAlive)).toEqual([]);
  });

  it("keeps the fleet running when whoever read its output is gone", async () => {
    const { PATH, HOME } = process.env;
    const up = spawn(process.execPath, [ENTRY, "up", "--port", "0", "--runtime", "node"], { cwd, env: { PATH, HOME } });
    try {
      let said = "";
      up.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
      await until("up to be ready", () => said.includes("Ctrl-C") || null, 45_000);
      up.stdout.destroy();
      up.stderr.destroy();
      const started = startedBy(up.pid ?? -1);
      const killed = childrenOf(up.pid ?? -1).find(({ command }) => command.includes("proxy/main"))?.pid ?? -1;
      // Its restart is said, to nobody.
      process.kill(killed, "SIGKILL");
      const children = await until("the killed one to be started again", () => {
        const now = childrenOf(up.pid ?? -1).map(({ pid }) => pid);
        return now.length === 2 && !now.includes(killed) ? now : null;
      });
      const exited = once(up, "exit");
      up.kill("SIGTERM");
      await allGone([up.pid ?? -1, ...children, ...started]);
      expect(await exited).toEqual([0, null]);
    } finally {
      up.kill("SIGKILL");
    }
  });
});
