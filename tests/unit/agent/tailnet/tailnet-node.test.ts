// The life of a node, with a real process in tailscaled's place.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../../agent/comfy/clock.ts";
import { createLogFile } from "../../../../agent/comfy/log/log-file.ts";
import { createProcessTable } from "../../../../agent/comfy/process/process-table.ts";
import { createAuthKey } from "../../../../agent/tailnet/auth-key.ts";
import { type DaemonHost, findDaemon } from "../../../../agent/tailnet/daemon-process.ts";
import { TailnetNode } from "../../../../agent/tailnet/tailnet-node.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import { daemonEnvironment, daemonFiles } from "../../../../contracts/tailnet/daemon.ts";
import { createLocalApi, type LocalApi } from "../../../../contracts/tailnet/local-api.ts";
import { startFakeLocalApi } from "../../../support/tailnet/fake-local-api.ts";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";

const PROGRAM = fileURLToPath(new URL("../../../support/tailnet/fake-tailscaled.ts", import.meta.url));
const WAIT = { timeout: 9_000, interval: 20 };

/** A state directory over several agents. */
class Pod implements AsyncDisposable {
  readonly stateDir = mkdtempSync(join(tmpdir(), "cf-tn-"));
  readonly keyFile = join(this.stateDir, "key");
  readonly files = daemonFiles(join(this.stateDir, "tailnet"));
  readonly logger = recordingLogger();
  /** Of all agents of this state directory. */
  newNodes = 0;
  readonly #host: DaemonHost;

  constructor(program = process.execPath) {
    this.#host = {
      program,
      files: this.files,
      env: daemonEnvironment({ PATH: process.env.PATH, PORT: "80", TS_AUTHKEY: "secret", TS_DEBUG_X: "1" }),
      logFile: createLogFile(this.files.log),
      spawn:
        ((path: string, args: string[], options: object) => spawn(path, [PROGRAM, ...args], options)) as typeof spawn,
      table: createProcessTable(),
      signalProcess: (pid, signal) => process.kill(pid, signal),
      clock: systemClock,
    };
  }

  agent({ start = true, calls = {} }: { start?: boolean; calls?: Partial<LocalApi<never>> } = {}): TailnetNode {
    const api = { ...createLocalApi<Duplex>({ request, socketPath: this.files.socket }), ...calls };
    const node = new TailnetNode({
      ...{ api, host: this.#host, clock: systemClock, random: Math.random, logger: this.logger },
      key: createAuthKey(`file:${this.keyFile}`, (path) => readFile(path, "utf8")),
      ...{ hostname: () => "pod-1", controlUrl: undefined, clockSkew: () => Promise.resolve(null) },
      onNewNode: () => (this.newNodes += 1),
    });
    if (start) node.start();
    return node;
  }

  /** StableID, by the state file. */
  id(): string {
    return readFileSync(this.files.state, "utf8");
  }

  async pid(): Promise<number | null> {
    return (await findDaemon(this.#host))?.identity.pid ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = await this.pid();
    if (pid !== null) process.kill(-pid, "SIGKILL");
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

const LEAVE = { leave: true };

describe("TailnetNode", () => {
  it("starts a daemon with a minimal environment, joins, and keeps what it writes to itself", async () => {
    await using pod = new Pod();
    writeFileSync(pod.keyFile, "key-1\n");
    const node = pod.agent();
    await expect.poll(() => node.view.state, WAIT).toBe("running");
    expect([pod.files.folder, pod.files.state, pod.files.log].map((path) => statSync(path).mode & 0o777))
      .toEqual([0o700, 0o600, 0o600]);
    const { environment } = JSON.parse(readFileSync(pod.files.log, "utf8").split("\n")[0] ?? "");
    expect(environment).toEqual([
      "TS_DEBUG_X",
      "TS_NETSTACK_KEEPALIVE_IDLE",
      "TS_NETSTACK_KEEPALIVE_INTERVAL",
      "TS_NO_LOGS_NO_SUPPORT",
    ]);
    await node.stop({ leave: false });
  });

  it("is not mistaken for a 'tailscale' that somebody runs beside it", async () => {
    await using pod = new Pod();
    const args = ["-e", "setInterval(() => {}, 1000)", "--", `--socket=${pod.files.socket}`];
    const tool = spawn(process.execPath, args, { detached: true, stdio: "ignore" });
    await once(tool, "spawn");
    try {
      writeFileSync(pod.keyFile, "key-1");
      const node = pod.agent();
      await expect.poll(() => node.view.state, WAIT).toBe("running");
      expect(await pod.pid()).not.toBe(tool.pid);
      await node.stop({ leave: false });
      expect([await pod.pid(), tool.exitCode, tool.signalCode]).toEqual([null, null, null]);
    } finally {
      tool.kill("SIGKILL");
    }
  });

  it("is taken over by a restarted agent, without a key and with the same daemon", async () => {
    await using pod = new Pod();
    writeFileSync(pod.keyFile, "key-1");
    const first = pod.agent();
    await expect.poll(() => first.view.state, WAIT).toBe("running");
    const [id, pid] = [pod.id(), await pod.pid()];
    await first.stop(LEAVE);
    rmSync(pod.keyFile);

    const second = pod.agent();
    await expect.poll(() => second.view.state, WAIT).toBe("running");
    expect([pod.id(), await pod.pid()]).toEqual([id, pid]);
    expect(pod.newNodes).toBe(1);
    expect(pod.logger.lines).toContainEqual(["info", "tailscaled runs", { pid, adopted: true }]);
    await second.stop(LEAVE);
  });

  it("comes back as the same node when its daemon is killed, also one that it has taken over", async () => {
    await using pod = new Pod();
    writeFileSync(pod.keyFile, "key-1");
    const first = pod.agent();
    await expect.poll(() => first.view.state, WAIT).toBe("running");
    const id = pod.id();
    await killAndSee(first);
    await first.stop(LEAVE);
    const second = pod.agent();
    await expect.poll(() => second.view.state, WAIT).toBe("running");
    await killAndSee(second);
    await second.stop(LEAVE);

    async function killAndSee(node: TailnetNode): Promise<void> {
      const pid = await pod.pid();
      process.kill(pid ?? 0, "SIGKILL");
      const killedMs = performance.now();
      await expect.poll(async () => [node.view.state, await pod.pid() ?? pid] as const, WAIT)
        .toSatisfy(([state, now]: [string, number]) => state === "running" && now !== pid);
      expect(performance.now() - killedMs).toBeLessThan(5_000);
      expect(pod.id()).toBe(id);
    }
  });

  it("logs out and ends its daemon when it stops, and leaves no state for the next", async () => {
    await using pod = new Pod();
    writeFileSync(pod.keyFile, "key-1");
    const node = pod.agent();
    await expect.poll(() => node.view.state, WAIT).toBe("running");
    await node.stop({ leave: false });
    expect(pod.logger.lines.map(([, message]) => message)).toContain("node logged out");
    expect(await pod.pid()).toBeNull();
    expect(statSync(pod.files.state, { throwIfNoEntry: false })).toBeUndefined();

    writeFileSync(pod.keyFile, "key-2");
    const next = pod.agent();
    await expect.poll(() => next.view.state, WAIT).toBe("running");
    await expect.poll(() => pod.newNodes, WAIT).toBe(2);
    await next.stop({ leave: false });
  });

  it("says that a key has been used, and takes another from the same file by itself", async () => {
    await using pod = new Pod();
    writeFileSync(join(pod.stateDir, "used-keys"), "key-1\n");
    writeFileSync(pod.keyFile, "key-1");
    const node = pod.agent();
    await expect.poll(() => node.view.state, WAIT).toBe("key_used");
    expect(node.view.fix).toContain("A key works once");
    writeFileSync(pod.keyFile, "key-2");
    await expect.poll(() => node.view.state, WAIT).toBe("running");
    expect(readFileSync(join(pod.stateDir, "used-keys"), "utf8")).toBe("key-1\nkey-2\n");
    await node.stop({ leave: false });
    expect(JSON.stringify(pod.logger.lines)).not.toMatch(/key-[12]/);
  });

  it("says what its daemon refuses, and tells it again ever more rarely", async () => {
    await using pod = new Pod();
    writeFileSync(pod.keyFile, "key-1");
    let orders = 0;
    const start = () => {
      orders += 1;
      return Promise.reject(
        new FleetError("tailnet_unavailable", "Cannot ask tailscaled for 'start'", { hint: "Unlock." }),
      );
    };
    const node = pod.agent({ calls: { start } });
    await expect.poll(() => orders, WAIT).toBeGreaterThan(1);
    await expect.poll(() => node.view, WAIT)
      .toEqual({ state: "stopped", message: "Cannot ask tailscaled for 'start'", fix: "Unlock." });
    await node.stop({ leave: false });
  });

  it("says that it needs a key when its file is gone and it has not joined", async () => {
    await using pod = new Pod();
    const node = pod.agent();
    await expect.poll(() => node.view.state, WAIT).toBe("needs_key");
    await node.stop({ leave: false });
  });

  it("says why no daemon runs, tries again and again, and stops at once", async () => {
    await using pod = new Pod("/nowhere/tailscaled");
    const node = pod.agent();
    await expect.poll(() => node.view.message, WAIT).toContain("spawn /nowhere/tailscaled ENOENT");
    expect(node.view.state).toBe("stopped");
    const tries = () => pod.logger.lines.filter(([, message]) => message === "tailscaled is started anew").length;
    await expect.poll(tries, WAIT).toBeGreaterThan(2);
    await node.stop({ leave: false });
  });

  it("leaves alone what it never started: an agent whose address is taken must not cost the node", async () => {
    await using pod = new Pod();
    writeFileSync(pod.keyFile, "key-1");
    const node = pod.agent();
    await expect.poll(() => node.view.state, WAIT).toBe("running");
    await node.stop(LEAVE);
    const unstarted = pod.agent({ start: false });
    await unstarted.stop({ leave: false });
    expect(await pod.pid()).not.toBeNull();
  });
});

describe("TailnetNode with a daemon that was there before", () => {
  it("looks at it, and neither joins nor logs out nor ends it", async () => {
    await using fake = await startFakeLocalApi();
    fake.status = { BackendState: "NeedsLogin", Health: [] };
    const node = new TailnetNode({
      ...{ api: createLocalApi<Duplex>({ request, socketPath: fake.socketPath }), clock: systemClock },
      ...{ host: null, random: Math.random, logger: recordingLogger(), hostname: () => "x", controlUrl: undefined },
      key: createAuthKey("a-key", () => Promise.reject(new Error("none"))),
      clockSkew: () => Promise.resolve(null),
      onNewNode: () => {},
    });
    node.start();
    await expect.poll(() => node.view.state, WAIT).toBe("needs_key");
    await node.stop({ leave: false });
    expect(fake.calls.filter((call) => call.startsWith("POST"))).toEqual([]);
  });
});
