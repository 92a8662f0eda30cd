/** `up`, `run` and `jobs` as processes in one folder, with what a script gets from them: lines, envelopes, exit codes. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliProcess, type CliResult, envelopeOf, jsonLines, runCli, startCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { killLeftovers } from "../support/fleet/leftovers.ts";
import { firstThenSlow, gradientPath, invert, quick, slow } from "../support/fleet/workflows.ts";
import { differenceFromRecording } from "../support/real-comfy/compare-pictures.ts";

const ENV = { COMFYUI_ARGS: JSON.stringify(["--step-ms", "20"]) };
const UNKNOWN_JOB = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";

describe.each(EDGE_RUNTIMES)("the command line, with the edge on %s", (runtime) => {
  let cwd: string;
  let up: CliProcess;

  beforeAll(async () => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-cli-")));
    up = startCli(["up", "--json", "--port", "0", "--runtime", runtime], { cwd, env: ENV });
    await until("up to be ready", () => up.stdout().includes("\n") || null, 45_000);
  });
  afterAll(async () => {
    up.signal("SIGTERM");
    await up.ended();
    killLeftovers(cwd);
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
  });

  const cli = (...args: string[]) => runCli(args, { cwd });

  function write(name: string, workflow: unknown): string {
    writeFileSync(join(cwd, name), JSON.stringify(workflow));
    return name;
  }

  function dataOf(result: CliResult): Record<string, unknown> {
    const envelope = envelopeOf(result);
    if (!envelope.ok) throw new Error(`${envelope.error.code}: ${envelope.error.message}`);
    return envelope.data;
  }

  function errorOf(result: CliResult) {
    expect(jsonLines(result)).toHaveLength(1);
    const envelope = envelopeOf(result);
    return envelope.ok ? null : envelope.error;
  }

  async function detached(workflow: unknown): Promise<string> {
    return String(dataOf(await cli("run", write("detached.json", workflow), "--detach", "--json")).jobId);
  }

  it("up --json prints one envelope with URL and key, and keeps the key to its user", () => {
    expect(jsonLines({ stdout: up.stdout() })).toHaveLength(1);
    const envelope = envelopeOf({ stdout: up.stdout() });
    expect(envelope).toMatchObject({
      ok: true,
      data: {
        baseUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        runtime,
        apiKey: expect.stringMatching(/^cfl_/),
      },
    });
    for (const name of ["credentials.json", "secrets.json"]) {
      expect(statSync(join(cwd, ".comfyfleet", name)).mode & 0o777, name).toBe(0o600);
    }
  });

  it("run --json prints one envelope, and its outputs are saved where -o says", async () => {
    const result = await cli("run", write("quick.json", quick()), "--json", "-o", "here");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(jsonLines(result)).toHaveLength(1);
    expect(dataOf(result)).toMatchObject({
      jobId: expect.stringMatching(/^job_/),
      state: "succeeded",
      outputs: [{ path: join("here", "quick_00001_.png"), contentType: "image/png", sha256: expect.any(String) }],
      timing: { totalMs: expect.any(Number) },
    });
    expect(statSync(join(cwd, "here", "quick_00001_.png")).size).toBeGreaterThan(0);
  });

  it("run --input NODE.INPUT=@file uploads it, by node id and by title", async () => {
    writeFileSync(join(cwd, "cat.png"), readFileSync(gradientPath));
    for (const node of ["Picture", "1"]) {
      const input = `${node}.image=@cat.png`;
      const { code, stdout, stderr } = await cli("run", write("invert.json", invert()), "--input", input, "-o", node);
      expect(code, stderr).toBe(0);
      expect(stdout).toBe(`${join(node, "inverted_00001_.png")}\n`);
      const bytes = readFileSync(join(cwd, node, "inverted_00001_.png"));
      expect(await differenceFromRecording(bytes, "workflow-invert-upload-0.png")).toBe(0);
    }
  });

  it("run shows plain lines where no terminal is, and data alone on standard output", async () => {
    const { code, stdout, stderr } = await cli("run", write("slow.json", slow(60)), "-o", "plain");
    expect(code).toBe(0);
    expect(stdout).toBe(`${join("plain", "slow_00001_.png")}\n`);
    const lines = stderr.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^submitted job_/);
    expect(lines).toContain("running");
    expect(lines.some((line) => /^ *\d+% {2}node \d+\/5 ColorTransfer step \d+\/60$/.test(line))).toBe(true);
    expect(lines.at(-1)).toMatch(/^succeeded in /);
    expect(stderr).not.toMatch(/\x1b|█/);
  });

  it("run says each output as it lands, and saves them all at the end", async () => {
    const { code, stdout, stderr } = await cli("run", write("two.json", firstThenSlow(100)), "-o", "two");
    expect(code).toBe(0);
    const lines = stderr.split("\n");
    const at = lines.findIndex((line) => /^output first_00001_\.png {2}\d+ bytes$/.test(line));
    expect(at).toBeGreaterThan(lines.indexOf("running"));
    expect(at).toBeLessThan(lines.findIndex((line) => line.startsWith("succeeded")));
    expect(stdout.trim().split("\n").length).toBe(2);
  });

  it("run --detach answers at once; jobs watch follows with NDJSON, its last line the envelope", async () => {
    const jobId = await detached(slow(300));
    const watched = await cli("jobs", "watch", jobId, "--json");
    expect(watched).toMatchObject({ code: 0, stderr: "" });
    const lines = jsonLines(watched);
    const events = lines.slice(0, -1) as { type: string; jobId: string; state?: string }[];
    expect(events.every((event) => event.jobId === jobId)).toBe(true);
    expect(events.filter(({ type }) => type === "progress").length).toBeGreaterThan(0);
    expect(events.at(-1)).toMatchObject({ type: "status", state: "succeeded" });
    expect(dataOf(watched)).toMatchObject({ id: jobId, state: "succeeded" });
    const got = await cli("jobs", "get", jobId, "--json");
    expect(dataOf(got)).toEqual(dataOf(watched));
  });

  it("jobs ls --json pages with --limit and --cursor, and filters with --state", async () => {
    await cli("run", write("quick.json", quick()), "--json");
    const first = dataOf(await cli("jobs", "ls", "--json", "--limit", "1"));
    expect(first).toMatchObject({ items: [{ state: "succeeded" }], nextCursor: expect.any(String) });
    const next = dataOf(await cli("jobs", "ls", "--json", "--limit", "1", "--cursor", String(first.nextCursor)));
    expect(next).toMatchObject({ items: [expect.anything()] });
    expect(next.items).not.toEqual(first.items);
    expect(dataOf(await cli("jobs", "ls", "--json", "--state", "expired"))).toEqual({ items: [], nextCursor: null });
    expect((await cli("jobs", "ls")).stdout).toMatch(/^job_\w+ {2}succeeded {2}\d{4}-/);
  });

  it("jobs cancel ends a running job; who watches or gets it learns so", async () => {
    const jobId = await detached(slow(2_000));
    const watching = startCli(["jobs", "watch", jobId, "--json"], { cwd });
    await until("the job to run", () => watching.stdout().includes('"progress"') || null);
    const canceled = await cli("jobs", "cancel", jobId, "--json");
    expect(canceled.code).toBe(0);
    expect(dataOf(canceled)).toMatchObject({ id: jobId, cancelRequested: true });
    const watched = await watching.ended();
    expect(watched.code).toBe(5);
    expect(jsonLines(watched).at(-2)).toMatchObject({ type: "status", state: "canceled" });
    expect((await cli("jobs", "get", jobId)).stdout).toMatch(/^state +canceled$/m);
  });

  it("Ctrl-C on run detaches, says how to come back, and the job goes on", async () => {
    const running = startCli(["run", write("long.json", slow(400))], { cwd });
    await until("progress", () => /ColorTransfer step/.test(running.stderr()) || null);
    running.signal("SIGINT");
    const { code, stderr } = await running.ended();
    expect(code).toBe(130);
    const [, jobId = ""] = /come back with: .* jobs watch (job_\w+)/.exec(stderr) ?? [];
    expect((await cli("jobs", "get", jobId)).stdout).toMatch(/^state +running$/m);
    const watched = await cli("jobs", "watch", jobId);
    expect(watched.code).toBe(0);
    expect(watched.stdout).toMatch(/^state +succeeded$/m);
  });

  it("exit code 2: a command, an option or a workflow that is wrong, with what to do", async () => {
    expect((await cli("conjure")).code).toBe(2);
    expect((await cli("run")).code).toBe(2);
    expect((await cli("jobs", "ls", "--limit", "1000")).code).toBe(2);
    expect(errorOf(await cli("jobs", "ls", "--state", "happy", "--json"))).toMatchObject({ code: "invalid_input" });
    const missing = await cli("run", "nowhere.json", "--json");
    expect(missing.code).toBe(2);
    expect(errorOf(missing)).toMatchObject({ code: "invalid_input", hint: expect.any(String) });
    const unknown = await cli("run", write("unknown.json", { "1": { class_type: "NoSuchNode", inputs: {} } }));
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(
      /^error: Cannot run workflow: no pod has the class 'NoSuchNode'\n {2}node 1, class_type/,
    );
    writeFileSync(join(cwd, "broken.json"), "{");
    const broken = await cli("run", "broken.json", "--json");
    expect(broken.code).toBe(2);
    expect(errorOf(broken)).toMatchObject({ code: "invalid_json" });
    const input = await cli("run", write("quick.json", quick()), "--input", "Nobody.image=1");
    expect(input.code).toBe(2);
    expect(input.stderr).toMatch(/no node has this id or title/);
  });

  it("exit code 3: no key, a wrong key", async () => {
    const elsewhere = join(cwd, "elsewhere");
    mkdirSync(elsewhere);
    const nobody = await runCli(["jobs", "ls", "--json"], { cwd: elsewhere });
    expect(nobody.code).toBe(3);
    expect(errorOf(nobody)).toMatchObject({ code: "unauthorized", hint: expect.stringMatching(/COMFYFLEET_KEY/) });
    const wrong = await cli("jobs", "ls", "--json", "--key", "cfl_wrong");
    expect(wrong.code).toBe(3);
    expect(errorOf(wrong)).toMatchObject({ code: "unauthorized" });
    // The key that `up` saved is for its own edge, and goes to no other.
    const foreign = await cli("jobs", "ls", "--json", "--url", "http://127.0.0.1:9");
    expect(foreign.code).toBe(3);
    expect(errorOf(foreign)).toMatchObject({ code: "unauthorized" });
  });

  it("exit code 4: a job that is not there", async () => {
    for (const command of ["get", "watch", "cancel"]) {
      const result = await cli("jobs", command, UNKNOWN_JOB, "--json");
      expect(result.code, command).toBe(4);
      expect(errorOf(result)).toMatchObject({ code: "not_found" });
    }
  });

  it("exit code 5: a job that failed, with ComfyUI's reason", async () => {
    writeFileSync(join(cwd, "no-picture.png"), "this is no picture");
    const args = ["run", write("invert.json", invert()), "--input", "Picture.image=@no-picture.png"];
    const failed = await cli(...args, "--json");
    expect(failed.code).toBe(5);
    expect(errorOf(failed)).toMatchObject({
      code: "execution_failed",
      details: { jobId: expect.stringMatching(/^job_/) },
    });
    const told = await cli(...args);
    expect(told.stderr).toMatch(/^error: /m);
    expect(told.stderr).not.toMatch(/\n\s+at /);
  });

  it("an edge that is not there is said, not waited for for ever", async () => {
    const { code, stderr } = await cli("jobs", "ls", "--url", "http://127.0.0.1:9", "--key", "cfl_any");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: Cannot reach the edge at http:\/\/127\.0\.0\.1:9/);
  });
});
