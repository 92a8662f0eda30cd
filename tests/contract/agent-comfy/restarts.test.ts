// Every way in which ComfyUI can fail leads to a restart with a reason that a person can read.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { claimPort } from "../../../agent/comfy/supervised/free-port.ts";
import { arm, atEnd, cleanUp, isRunning, startSupervised, temporaryFolder } from "../../support/comfy/supervised.ts";
import { quickGraph, slowGraph } from "./graphs.ts";

const signal = new AbortController().signal;

async function freePort(): Promise<number> {
  const port = await claimPort(0);
  if (port === null) throw new Error("Cannot find a free port");
  return port;
}

afterEach(cleanUp);

describe("a ComfyUI that crashes", () => {
  it("is started anew as another generation, and says why", async () => {
    const control = await freePort();
    const { reach, statuses, pid } = startSupervised({ args: ["--control-port", String(control)] });
    const before = await reach("ready");
    const oldPid = pid();
    const since = statuses.length;
    await arm(control, "crash").catch(() => {});
    const down = await reach("backoff", since);
    expect(down).toMatchObject({ reason: "Crashed", generation: null });
    expect(down.message).toContain("it was killed by SIGKILL");
    expect(down.objectInfoSha256).toBe(before.objectInfoSha256);
    const after = await reach("ready", since);
    expect(after.generation?.id).not.toBe(before.generation?.id);
    expect(after.generation?.clientId).not.toBe(before.generation?.clientId);
    expect(after.message).toContain("(Crashed): ComfyUI ended by itself");
    expect(isRunning(oldPid)).toBe(false);
  });

  it("refuses calls while it is down, without asking anybody", async () => {
    const control = await freePort();
    const { comfy, reach, statuses } = startSupervised({
      args: ["--control-port", String(control)],
      timings: { backoffBaseMs: 2_000, backoffMaxMs: 2_000 },
    });
    await reach("ready");
    await arm(control, "crash").catch(() => {});
    await reach("backoff", statuses.length - 1);
    await expect(comfy.api.lookup(crypto.randomUUID(), signal)).rejects.toMatchObject({ code: "comfy_unavailable" });
  });
});

describe("a ComfyUI that never gets up", () => {
  it("is tried again and again with growing waits, and its last words are in the reason", async () => {
    const { reach, statuses, journal } = startSupervised({ args: ["--fault", "exit-at-start=3"] });
    const down = await reach("backoff");
    expect(down).toMatchObject({ reason: "Crashed" });
    expect(down.message).toContain("it exited with code 3");
    expect(down.message).toContain("told to end at its start");
    await vi.waitFor(() => {
      expect(statuses.filter(({ message }) => message.includes("Next start in")).length).toBeGreaterThan(2);
    }, { timeout: 10_000 });
    expect(journal.open().length).toBeLessThan(2);
  });

  it("says so when the program does not exist, and when it finds its port taken", async () => {
    const missing = startSupervised({ command: ["/no/such/python"] });
    expect(await missing.reach("backoff")).toMatchObject({ reason: "SpawnFailed" });
    const taken = startSupervised({ args: ["--fault", "port-in-use"] });
    expect(await taken.reach("backoff")).toMatchObject({ reason: "PortInUse" });
  });

  it("says so when Python itself fails, and starts again", async () => {
    const flag = join(temporaryFolder(), "failed");
    const fail = 'echo "Fatal Python error: Segmentation fault" >&2; exit 139';
    const script = `if [ ! -e ${flag} ]; then touch ${flag}; ${fail}; fi; exec "$0" "$@"`;
    const command = ["sh", "-c", script, process.execPath, "fake-comfy/main.ts"] as const;
    const { reach, statuses } = startSupervised({ command });
    const down = await reach("backoff");
    expect(down).toMatchObject({
      reason: "FatalPythonError",
      message: expect.stringContaining("exited with code 139"),
    });
    const after = await reach("ready", statuses.indexOf(down));
    expect(after.message).toContain("(FatalPythonError): ");
  });

  it("says so when the agent itself fails at it, and tries again", async () => {
    const { reach, journal, statuses } = startSupervised();
    const { begin } = journal;
    journal.begin = () => {
      journal.begin = begin;
      throw new Error("database or disk is full");
    };
    const down = await reach("backoff");
    expect(down).toMatchObject({ reason: "AgentFailed", message: expect.stringContaining("its log says why") });
    await reach("ready", statuses.indexOf(down));
  });

  it("is given up when it is quiet for too long", async () => {
    const { reach, pid } = startSupervised({
      args: ["--start-delay-ms", "20000"],
      timings: { startQuietMs: 400, stopGraceMs: 200 },
    });
    await vi.waitFor(() => expect(pid()).toBeGreaterThan(0));
    expect(await reach("backoff")).toMatchObject({ reason: "StartDeadlineExceeded" });
  });
});

describe("a port that somebody else has", () => {
  it("is left to its owner, and taken once it is free", async () => {
    const foreign = createServer((_request, response) => response.end("{}"));
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    atEnd(() => void foreign.close());
    const { port } = foreign.address() as AddressInfo;
    const { reach, journal, statuses } = startSupervised({ port });
    const down = await reach("backoff");
    expect(down).toMatchObject({ reason: "PortInUse", generation: null });
    expect(down.message).toContain(`127.0.0.1:${port}`);
    expect(journal.open()).toEqual([]);
    expect(foreign.listening).toBe(true);
    foreign.closeAllConnections();
    await new Promise((resolve) => foreign.close(resolve));
    await reach("ready", statuses.length - 1);
  });
});

describe("a ComfyUI that hangs", () => {
  it("is ended and started anew as unresponsive", async () => {
    const control = await freePort();
    const { reach, statuses, pid } = startSupervised({
      args: ["--control-port", String(control)],
      timings: { unresponsiveAfterMs: 600, requestTimeoutMs: 300, stopGraceMs: 500 },
    });
    await reach("ready");
    const oldPid = pid();
    const since = statuses.length;
    await arm(control, "hang", "http");
    const down = await reach("backoff", since);
    expect(down).toMatchObject({ reason: "Unresponsive" });
    await reach("ready", since);
    expect(isRunning(oldPid)).toBe(false);
  });

  it("is killed when it does not even heed SIGINT", async () => {
    const { reach, statuses, pid } = startSupervised({
      timings: { unresponsiveAfterMs: 500, requestTimeoutMs: 300, stopGraceMs: 300 },
    });
    await reach("ready");
    const since = statuses.length;
    const oldPid = pid();
    process.kill(oldPid, "SIGSTOP");
    expect(await reach("backoff", since)).toMatchObject({ reason: "Unresponsive" });
    await reach("ready", since);
    expect(isRunning(oldPid)).toBe(false);
  });
});

describe("a line of the log", () => {
  it.each([
    ["Exception in thread Thread-2 (prompt_worker):", "WorkerDied"],
    ["RuntimeError: CUDA error: an illegal memory access was encountered", "GpuFault"],
  ])("like '%s' ends a ComfyUI that would go on and on: %s", async (line, reason) => {
    const flag = join(temporaryFolder(), "said");
    const say = `(sleep 1; echo "${line}" >&2) &`;
    const script = `if [ ! -e ${flag} ]; then touch ${flag}; ${say} fi; exec "$0" "$@"`;
    const { reach, statuses } = startSupervised({
      command: ["sh", "-c", script, process.execPath, "fake-comfy/main.ts"],
      timings: { gpuFaultGraceMs: 200 },
    });
    const down = await reach("backoff");
    expect(down).toMatchObject({ reason });
    const after = await reach("ready", statuses.indexOf(down));
    expect(after.message).toContain(`(${reason}): `);
  });
});

describe("restart()", () => {
  it("ends this generation for the given reason and starts another", async () => {
    const { comfy, reach, statuses } = startSupervised();
    const before = await reach("ready");
    const since = statuses.length;
    comfy.restart("GpuFault", "CUDA error: an illegal memory access was encountered");
    expect(await reach("backoff", since)).toMatchObject({ reason: "GpuFault" });
    const after = await reach("ready", since);
    expect(after.generation?.id).not.toBe(before.generation?.id);
    expect(after.message).toContain("illegal memory access");
  });
});

describe("a dropped socket", () => {
  it("is opened anew on the same generation, and messages go on", async () => {
    const control = await freePort();
    const { comfy, reach, messages } = startSupervised({
      args: ["--control-port", String(control), "--step-ms", "20"],
    });
    const before = await reach("ready");
    const promptId = crypto.randomUUID();
    await comfy.api.submit({ promptId, workflow: slowGraph(100), previews: false }, signal);
    await vi.waitFor(() => expect(messages.some(({ type }) => type === "step")).toBe(true));
    await arm(control, "drop-socket");
    const dropped = messages.length;
    await vi.waitFor(() => expect(messages.slice(dropped).some(({ type }) => type === "finished")).toBe(true), 10_000);
    expect(messages.slice(dropped).some(({ type }) => type === "step")).toBe(true);
    expect(comfy.status).toEqual(before);
  });

  it("is noticed when ComfyUI goes on without telling: the lookup knows", async () => {
    const { comfy, reach, messages } = startSupervised({ args: ["--fault", "lost-terminal-event"] });
    await reach("ready");
    const promptId = crypto.randomUUID();
    await comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal);
    await vi.waitFor(async () => {
      expect(await comfy.api.lookup(promptId, signal)).toMatchObject({ status: "succeeded" });
    }, 5_000);
    expect(messages.map(({ type }) => type)).not.toContain("finished");
  });
});

describe("cancel()", () => {
  it("ends a running prompt and takes back a waiting one", async () => {
    const { comfy, reach } = startSupervised({ args: ["--step-ms", "20"] });
    await reach("ready");
    const [running, waiting] = [crypto.randomUUID(), crypto.randomUUID()];
    await comfy.api.submit({ promptId: running, workflow: slowGraph(1_000), previews: false }, signal);
    await comfy.api.submit({ promptId: waiting, workflow: quickGraph(), previews: false }, signal);
    await vi.waitFor(async () => expect(await comfy.api.lookup(running, signal)).toEqual({ status: "running" }));
    expect(await comfy.api.lookup(waiting, signal)).toEqual({ status: "pending" });
    await comfy.api.cancel(waiting, signal);
    expect(await comfy.api.lookup(waiting, signal)).toEqual({ status: "unknown" });
    await vi.waitFor(async () => {
      await comfy.api.cancel(running, signal);
      expect(await comfy.api.lookup(running, signal)).toEqual({ status: "interrupted" });
    }, 5_000);
  });
});
