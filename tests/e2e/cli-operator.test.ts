/** `pods`, `keys` and `doctor` as processes: what an operator and a script get from them. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseApiKey } from "../../contracts/api-key.ts";
import { type CliResult, envelopeOf, jsonLines, runCli, startCli } from "../support/fleet/cli.ts";
import { reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { freePort } from "../support/fleet/free-port.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

interface Check {
  name: string;
  status: string;
  message: string;
  fix: string | null;
}

describe.each(EDGE_RUNTIMES)("the operator's commands, with the edge on %s", (runtime) => {
  let fleet: TestFleet;
  let cwd: string;

  beforeAll(async () => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-operator-")));
    fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    rmSync(cwd, { recursive: true, force: true });
  });

  const envWith = (key: string) => ({ COMFYFLEET_URL: fleet.baseUrl, COMFYFLEET_KEY: key });
  const cli = (...args: string[]) => runCli(args, { cwd, env: envWith(fleet.apiKey) });

  function dataOf(result: CliResult): Record<string, unknown> {
    expect(jsonLines(result), result.stdout).toHaveLength(1);
    const envelope = envelopeOf(result);
    if (!envelope.ok) throw new Error(`${envelope.error.code}: ${envelope.error.message}`);
    return envelope.data;
  }

  function refusalOf(result: CliResult) {
    const envelope = envelopeOf(result);
    return { exit: result.code, code: envelope.ok ? null : envelope.error.code };
  }

  it("pods ls and get show the pod, by name, by id and by part of either", async () => {
    const listed = dataOf(await cli("pods", "ls", "--json")) as { items: { id: string; name: string }[] };
    expect(listed.items).toMatchObject([{ name: "local", phase: "ready", cordon: null }]);
    const id = String(listed.items[0]?.id);
    for (const wanted of ["local", "loc", id, id.slice(0, 12), id.slice(4, 16), id.slice(-6)]) {
      expect(dataOf(await cli("pods", "get", wanted, "--json")), wanted).toMatchObject({ id });
    }
    expect(refusalOf(await cli("pods", "get", "nowhere", "--json"))).toEqual({ exit: 4, code: "not_found" });
    const shown = await cli("pods", "ls");
    expect(shown.stdout).toMatch(/^NAME +PHASE +BUSY +COMFYUI +GPU +SEEN +ID +NOTE\nlocal +ready +0\/1 /);
    expect((await cli("pods", "get", "local")).stdout).toMatch(/^Reachable +true \(BeatAnswered\): /m);
  });

  it("pods logs gives the last lines; -f goes on with NDJSON until Ctrl-C, its last line the envelope", async () => {
    const page = dataOf(await cli("pods", "logs", "local", "-n", "5", "--json")) as { lines: { text: string }[] };
    expect(page.lines.length).toBeGreaterThan(0);
    expect(page.lines.length).toBeLessThanOrEqual(5);
    expect((await cli("pods", "logs", "local", "-n", "500")).stdout).toContain("To see the GUI");
    const following = startCli(["pods", "logs", "local", "-f", "-n", "1", "--json"], {
      cwd,
      env: envWith(fleet.apiKey),
    });
    await until("the first line", () => following.stdout().includes("\n") || null);
    await fleet.client.run(quick());
    await until("a line of the job", () => following.stdout().includes("got prompt") || null);
    following.signal("SIGINT");
    const ended = await following.ended();
    expect(ended).toMatchObject({ code: 130, stderr: "" });
    const lines = jsonLines(ended);
    expect(lines[0]).toMatchObject({ type: "line", line: { number: expect.any(Number), text: expect.any(String) } });
    expect(lines.at(-1)).toMatchObject({ ok: true, data: { state: "detached" } });
  });

  it("pods drain --wait returns when the pod is empty; cordon and uncordon say what they did", async () => {
    const job = fleet.client.run(slow(120));
    await reached(job.watch(), 0.05);
    const early = await cli("pods", "drain", "local", "--reason", "fans", "--json");
    expect(dataOf(early)).toMatchObject({ phase: "draining", cordon: { reason: "fans", attempts: 1, drain: true } });
    const waited = await cli("pods", "drain", "local", "--wait", "--json");
    expect(dataOf(waited)).toMatchObject({ phase: "ready", cordon: { attempts: 0 } });
    expect((await job.get()).state).toBe("succeeded");
    expect((await cli("pods", "ls")).stdout).toContain("cordoned (fans)");
    const checked = await cli("doctor");
    expect(checked.code, checked.stdout).toBe(0);
    expect(checked.stdout).toMatch(/^warning pod local ready +is cordoned .*: fans\n +fix: .* pods uncordon local$/m);
    expect(dataOf(await cli("pods", "uncordon", "local", "--json"))).toMatchObject({ cordon: null });
    expect(dataOf(await cli("pods", "cordon", "local", "--json"))).toMatchObject({ cordon: { drain: false } });
    expect((await cli("pods", "uncordon", "local")).stdout).toBe("local takes work again\n");
  });

  it("pods restart refuses to lose a run and says how; --force does it, and free asks", async () => {
    const job = fleet.client.run(slow(240));
    await reached(job.watch(), 0.05);
    const refused = await cli("pods", "restart", "local");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/pods restart local --force/);
    expect(dataOf(await cli("pods", "restart", "local", "--force", "--json"))).toMatchObject({
      name: "local",
      status: "restarting",
      attempts: [{ fate: "lost" }],
    });
    expect((await job).job).toMatchObject({ state: "succeeded", losses: 1 });
    expect(dataOf(await cli("pods", "free", "local", "--json"))).toMatchObject({ status: "asked" });
  });

  it("keys create shows a key once, ls never, and revoke ends it for every command within five seconds", async () => {
    const made = dataOf(await cli("keys", "create", "--name", "box", "--scope", "pods:read", "--json"));
    expect(made).toMatchObject({ name: "box", scopes: ["pods:read"] });
    const key = String(made.key);
    const plain = await cli("keys", "create", "--scope", "jobs:read,assets:read");
    expect(plain.stdout.trim().split("\n")).toHaveLength(1);
    expect(parseApiKey(plain.stdout.trim())).not.toBeNull();
    const listed = await cli("keys", "ls");
    expect(listed.stdout).toMatch(new RegExp(`^${String(made.id)} +box +in force`, "m"));
    expect(listed.stdout).not.toContain(String(parseApiKey(key)?.secret));
    const asBox = (...args: string[]) => runCli([...args, "--json"], { cwd, env: envWith(key) });
    expect((await asBox("pods", "ls")).code).toBe(0);
    expect(refusalOf(await asBox("pods", "logs", "local"))).toEqual({ exit: 3, code: "forbidden" });
    expect(refusalOf(await asBox("keys", "ls"))).toEqual({ exit: 3, code: "forbidden" });
    expect(refusalOf(await cli("keys", "create", "--scope", "everything", "--json"))).toMatchObject({ exit: 2 });
    expect(refusalOf(await cli("keys", "revoke", "box", "--json"))).toMatchObject({ exit: 2, code: "invalid_input" });
    expect(dataOf(await cli("keys", "revoke", key, "--json"))).toMatchObject({
      id: made.id,
      revokedAt: expect.any(String),
    });
    await until("the key to be refused", async () => (await asBox("pods", "ls")).code === 3 || null, 5_000);
  });

  it("doctor is content with a fleet that works, and says what it has looked at", async () => {
    const result = await cli("doctor", "--json");
    const { healthy, checks } = dataOf(result) as { healthy: boolean; checks: Check[] };
    expect(result.code, JSON.stringify(checks, null, 1)).toBe(0);
    expect(healthy).toBe(true);
    expect(checks.map(({ name }) => name)).toEqual([
      ...["node", "deno", "disk", "edge", "edge clock", "key", "edge store"],
      ...["reachable", "protocol", "ready", "GPU", "ComfyUI", "clock"].map((what) => `pod local ${what}`),
    ]);
    expect(checks.filter(({ status }) => status !== "ok").map(({ name }) => name)).toEqual(["disk"]);
  });

  it("doctor finds a pod that is not there and one with another secret, each with what to do", async () => {
    const bad = { name: "nowhere", url: `http://127.0.0.1:${await freePort()}`, secret: "0123456789abcdef" };
    const locked = { name: "locked", url: fleet.agentUrl, secret: "0123456789abcdef" };
    const local = { name: "local", url: fleet.agentUrl, secret: fleet.agentSecret };
    await fleet.edge.terminate();
    fleet.edge.start({ EDGE_PODS: JSON.stringify([local, bad, locked]) });
    await fleet.waitReady();
    const found = await until("the edge to have given up the silent pod", async () => {
      const result = await cli("doctor", "--json");
      const { checks } = dataOf(result) as { checks: Check[] };
      const of = (name: string) => checks.find((check) => check.name === name);
      const known = of("pod locked reachable")?.message.includes("secret") && of("pod nowhere reachable");
      return known ? { result, checks, of } : null;
    });
    expect(found.result.code).toBe(1);
    expect(found.of("pod local ready")?.status).toBe("ok");
    expect(found.of("pod nowhere reachable")).toMatchObject({
      status: "failed",
      fix: expect.stringContaining("EDGE_PODS"),
    });
    expect(found.of("pod locked reachable")).toMatchObject({
      status: "failed",
      fix: expect.stringContaining("AGENT_SECRET"),
    });
    for (const { status, fix, name } of found.checks) if (status === "failed") expect(fix, name).toBeTruthy();
    const pretty = await cli("doctor");
    expect(pretty.code).toBe(1);
    expect(pretty.stdout).toMatch(/^FAILED {2}pod nowhere reachable .*\n +fix: /m);
    expect(pretty.stdout).toMatch(/\d+ of \d+ checks failed\.\n$/);
  });

  it("doctor says what is wrong with the edge or the key before it asks for more", async () => {
    const checksWith = async (env: Record<string, string>) => {
      const result = await runCli(["doctor", "--json"], { cwd, env });
      expect(result.code).toBe(1);
      return (dataOf(result) as { checks: Check[] }).checks.filter(({ status }) => status === "failed");
    };
    expect(await checksWith({})).toMatchObject([{ name: "edge", fix: expect.stringContaining("COMFYFLEET_URL") }]);
    const silent = { COMFYFLEET_URL: `http://127.0.0.1:${await freePort()}`, COMFYFLEET_KEY: fleet.apiKey };
    expect(await checksWith(silent)).toMatchObject([{ name: "edge", fix: expect.stringContaining("up") }]);
    const wrong = fleet.apiKey.replace(/.{4}$/, "AAAA");
    expect(await checksWith(envWith(wrong))).toMatchObject([{ name: "key", fix: expect.stringContaining("key") }]);
    const { key } = await fleet.client.trpc.keys.create.mutate({});
    expect(await checksWith(envWith(key))).toMatchObject([{ name: "key", fix: expect.stringContaining("pods:read") }]);
  });
});
