/** `comfyfleet up` as a person runs it: what it says, what it restarts, how it stops. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { childrenOf, type CliProcess, runCli, startCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { killLeftovers, processesNaming } from "../support/fleet/leftovers.ts";
import { quick } from "../support/fleet/workflows.ts";

describe("comfyfleet up", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-up-")));
    writeFileSync(join(cwd, "quick.json"), JSON.stringify(quick()));
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

  function childNamed(up: CliProcess, part: string): number {
    const child = childrenOf(up.pid).find(({ command }) => command.includes(part));
    if (!child) throw new Error(`up has no child '${part}'`);
    return child.pid;
  }

  it("says URL, key and what to try; the key once; Ctrl-C stops everything with code 0", async () => {
    const first = await startUp("--runtime", "node");
    expect(first.stdout()).toMatch(/^ {2}edge {3}http:\/\/127\.0\.0\.1:\d+ {2}\(node\)$/m);
    const [, key = ""] = /^ {2}key {4}(cfl_\S+) {2}\(shown once; kept in .*\)$/m.exec(first.stdout()) ?? [];
    expect(key).not.toBe("");
    expect(first.stdout()).toMatch(/^ +node \S+cli\/main\.ts run WORKFLOW\.json$/m);
    expect(first.stdout() + first.stderr()).not.toContain("\x1b");
    const ran = await runCli(["run", "quick.json", "--json"], { cwd });
    expect(ran.code).toBe(0);
    const children = childrenOf(first.pid).map(({ pid }) => pid);
    expect(children).toHaveLength(2);
    first.signal("SIGINT");
    expect((await first.ended()).code).toBe(0);
    expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(processesNaming(cwd)).toEqual([]);

    const second = await startUp("--runtime", "node");
    expect(second.stdout() + second.stderr()).not.toContain(key);
    const listed = await runCli(["jobs", "ls", "--json"], { cwd });
    expect(JSON.parse(listed.stdout)).toMatchObject({ ok: true, data: { items: [{ state: "succeeded" }] } });
    second.signal("SIGTERM");
    expect((await second.ended()).code).toBe(0);
  });

  it.each(EDGE_RUNTIMES)("starts a killed edge and a killed agent again, with the edge on %s", async (runtime) => {
    const up = await startUp("--runtime", runtime);
    for (const [name, entry] of [["edge", "proxy/main"], ["agent", "agent/main"]] as const) {
      const killed = childNamed(up, entry);
      process.kill(killed, "SIGKILL");
      await until(`a new ${name}`, () => {
        const child = childrenOf(up.pid).find(({ command, pid }) => command.includes(entry) && pid !== killed);
        return child ?? null;
      });
      expect(up.stderr()).toContain(`${name} ended (signal SIGKILL); starting it again. Log: `);
      const ran = await runCli(["run", "quick.json", "--json"], { cwd });
      expect(ran.code, ran.stdout).toBe(0);
    }
    up.signal("SIGINT");
    expect((await up.ended()).code).toBe(0);
  });

  it("refuses a port that is taken, with what to do", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    try {
      const { code, stderr } = await runCli(["up", "--port", String(port)], { cwd });
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`error: Cannot start the edge: port ${port} is in use\\n {2}\\S.*--port`));
    } finally {
      server.close();
    }
  });

  it("refuses a folder that is no ComfyUI, with exit code 2", async () => {
    const { code, stdout } = await runCli(["up", "--comfyui", cwd, "--json"], { cwd });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "invalid_input", hint: expect.any(String) } });
  });

  it("gives up when ComfyUI never starts, and says where the logs are", async () => {
    const args = ["up", "--port", "0", "--ready-timeout", "4"];
    const env = { COMFYUI_ARGS: '["--fault","exit-at-start"]' };
    const { code, stderr } = await runCli(args, { cwd, env });
    expect(code).toBe(6);
    expect(stderr).toMatch(/waiting for the pod \(/);
    const [, log = ""] = /^log: (.*agent\.log)$/m.exec(stderr) ?? [];
    expect(readFileSync(join(cwd, log.replace(`${cwd}/`, "")), "utf8")).toContain('"component"');
    expect(stderr).toMatch(/error: Cannot start in 4 s: still waiting for/);
    expect(processesNaming(cwd)).toEqual([]);
  });
});
