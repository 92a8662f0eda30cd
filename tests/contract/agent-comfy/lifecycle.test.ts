// Start, run, stop: a real process below a real supervisor.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cleanUp, isRunning, startSupervised, temporaryFolder } from "../../support/comfy/supervised.ts";
import { quickGraph } from "./graphs.ts";

const signal = new AbortController().signal;

afterEach(cleanUp);

/** Runs one quick prompt to its end. */
async function runQuick({ comfy }: ReturnType<typeof startSupervised>): Promise<string> {
  const promptId = crypto.randomUUID();
  expect(await comfy.api.submit({ promptId, workflow: quickGraph(), previews: false }, signal))
    .toEqual({ status: "accepted" });
  await vi.waitFor(async () => {
    expect(await comfy.api.lookup(promptId, signal)).toMatchObject({ status: "succeeded" });
  }, { timeout: 5_000 });
  return promptId;
}

describe("start()", () => {
  it("brings ComfyUI to ready with its identity, classes and folders", async () => {
    const supervised = startSupervised();
    const { comfy, reach, stateDir } = supervised;
    expect(comfy.status.state).toBe("starting");
    expect(comfy.objectInfo()).toBeNull();
    const status = await reach("ready");
    expect(status).toMatchObject({
      reason: "Ready",
      version: expect.stringMatching(/^\d+\.\d+/),
      generation: { adopted: false },
      devices: [{ type: "cpu" }],
    });
    const info = comfy.objectInfo();
    expect(info?.sha256).toBe(status.objectInfoSha256);
    expect(JSON.parse(info?.body ?? "{}")).toHaveProperty("SaveImage");
    expect(comfy.folders?.output).toBe(join(stateDir, "comfy", "output"));
    expect(existsSync(comfy.folders?.temp ?? "")).toBe(true);
  });

  it("gives messages of its prompts, files on disk, and a lookup that is forgotten on demand", async () => {
    const supervised = startSupervised();
    await supervised.reach("ready");
    const { comfy, messages } = supervised;
    const promptId = await runQuick(supervised);
    await vi.waitFor(() => expect(messages.map(({ type }) => type)).toContain("finished"));
    expect(messages.map(({ type }) => type)).toEqual([
      "started",
      "cached",
      "executing",
      "executing",
      "executed",
      "finished",
    ]);
    const lookup = await comfy.api.lookup(promptId, signal);
    if (lookup.status !== "succeeded") throw new Error(`Cannot read outputs of a prompt that is ${lookup.status}`);
    const [file] = lookup.files;
    const path = join(comfy.folders?.output ?? "", file?.subfolder ?? "", file?.filename ?? "");
    expect(readFileSync(path).subarray(1, 4).toString()).toBe("PNG");
    await comfy.api.forget([promptId], signal);
    expect(await comfy.api.lookup(promptId, signal)).toEqual({ status: "unknown" });
  });

  it("gives the child no variable of the agent's that it does not need", async () => {
    process.env.AGENT_TEST_SECRET = "secret";
    try {
      const file = join(temporaryFolder(), "environment");
      const command = ["sh", "-c", `env > ${file}; exec "$0" "$@"`, process.execPath, "fake-comfy/main.ts"] as const;
      await startSupervised({ command: [...command] }).reach("ready");
      const environment = readFileSync(file, "utf8");
      expect(environment).toContain("PATH=");
      expect(environment).not.toContain("AGENT_TEST_SECRET");
    } finally {
      delete process.env.AGENT_TEST_SECRET;
    }
  });
});

describe("stop()", () => {
  it("ends ComfyUI by SIGINT, with what it started, and can be called twice", async () => {
    const helperFile = join(temporaryFolder(), "helper");
    const script = `sleep 300 & echo $! > ${helperFile}; exec "$0" "$@"`;
    const command = ["sh", "-c", script, process.execPath, "fake-comfy/main.ts"] as const;
    const supervised = startSupervised({ command: [...command] });
    const { comfy, stateDir, statuses, journal } = supervised;
    await supervised.reach("ready");
    const pid = supervised.pid();
    const helper = Number(readFileSync(helperFile, "utf8"));
    expect(isRunning(helper)).toBe(true);
    await Promise.all([comfy.stop(), comfy.stop()]);
    expect(statuses.slice(-2).map(({ state }) => state)).toEqual(["stopping", "stopped"]);
    expect(comfy.status).toMatchObject({ state: "stopped", generation: null });
    expect(isRunning(pid)).toBe(false);
    await vi.waitFor(() => expect(isRunning(helper)).toBe(false));
    expect(readFileSync(join(stateDir, "comfy", "comfyui.log"), "utf8")).toContain("Stopped server");
    expect(journal.open()).toEqual([]);
  });

  it("ends a start that is still going on, and start() begins anew", async () => {
    const supervised = startSupervised({ args: ["--start-delay-ms", "400"] });
    await vi.waitFor(() => expect(supervised.pid()).toBeGreaterThan(0));
    const pid = supervised.pid();
    await supervised.comfy.stop();
    expect(isRunning(pid)).toBe(false);
    const since = supervised.statuses.length;
    supervised.comfy.start();
    await supervised.reach("ready", since);
  });
});

describe("the log", () => {
  it("is cut at its bound while ComfyUI goes on writing to it", async () => {
    const supervised = startSupervised({ maxLogFileBytes: 300 });
    const { reach, stateDir } = supervised;
    await reach("ready");
    const log = join(stateDir, "comfy", "comfyui.log");
    await vi.waitFor(() => expect(existsSync(`${log}.1`)).toBe(true));
    for (let run = 0; run < 5; run++) await runQuick(supervised);
    await vi.waitFor(() =>
      expect(readFileSync(log, "utf8") + readFileSync(`${log}.1`, "utf8")).toContain("got prompt")
    );
    expect(statSync(log).size).toBeLessThan(1_000);
    expect(supervised.statuses.filter(({ state }) => state === "ready")).toHaveLength(1);
  });
});
