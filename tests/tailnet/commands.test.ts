/** What a person types for a private network, on a real one: `up --tailnet`, `pods enroll`, the printed command, `pods remove`. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Enrolment } from "../../contracts/edge/enrolment.ts";
import { Pod } from "../../contracts/pod.ts";
import { SHIPPED_POLICY_SHA256 } from "../../contracts/tailnet/policy.ts";
import { DEFAULT_CAPABILITY } from "../../contracts/tailnet/words.ts";
import { Checks, checksIn, linesOf } from "../support/fleet/check-lines.ts";
import { type CliProcess, jsonLines, runCli, startCli } from "../support/fleet/cli.ts";
import type { ManagedProcess } from "../support/fleet/process.ts";
import { until } from "../support/fleet/until.ts";
import { HERMETIC_SETTINGS } from "../support/tailnet/daemon.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { paste } from "../support/tailnet/paste.ts";
import { policyOf } from "../support/tailnet/policies.ts";
import { processesWith } from "../support/tailnet/processes-with.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

const WORKFLOW = fileURLToPath(new URL("../../cli/demo/workflow.json", import.meta.url));
const PICTURE = fileURLToPath(new URL("../../cli/demo/postcard.png", import.meta.url));
const Enrolled = Enrolment.extend({ pods: z.array(Enrolment.shape.pods.element.extend({ start: z.string() })) });

let tailnet: TestTailnet;
/** Where the edge's commands are typed, and where the pod's. */
let here: string;
let there: string;
let up: CliProcess | null = null;
let agent: ManagedProcess | null = null;

function settings(): Record<string, string> {
  const { url, apiKey } = tailnet.headscale;
  return {
    ...HERMETIC_SETTINGS,
    ...{ HEADSCALE_URL: url, HEADSCALE_API_KEY: apiKey, TAILSCALED: join(tailnet.binaries, "tailscaled") },
    ...{ POD_BEAT_MS: "500" },
  };
}

async function cli<T extends z.ZodType>(schema: T, ...args: string[]): Promise<z.output<T>> {
  const result = await runCli([...args, "--json"], { cwd: here });
  const last = z.object({ ok: z.boolean(), data: z.unknown().optional(), error: z.unknown().optional() }).parse(
    jsonLines(result).at(-1),
  );
  if (!last.ok) throw new Error(`'${args.join(" ")}' failed: ${JSON.stringify(last.error)}`);
  return schema.parse(last.data);
}

const sha256Of = (text: string) => createHash("sha256").update(text).digest("hex");
const pods = async () => (await cli(z.object({ items: z.array(Pod) }), "pods", "ls")).items;

/** Of `agent` commands about the pod that was started. */
function onPod(): string[] {
  const [state = ""] = readdirSync(join(there, ".comfyfleet")).filter((name) => /^pod-\w+$/.test(name));
  return ["--state", join(there, ".comfyfleet", state), "--json"];
}

async function startUp(...args: string[]): Promise<void> {
  up = startCli(["up", "--tailnet", "--comfyui", "none", "--port", "0", "--json", ...args], {
    cwd: here,
    env: settings(),
    timeoutMs: 120_000,
  });
  const started = up;
  await until(
    `up to be ready; it says: ${started.stderr()}`,
    () => started.stdout().includes("baseUrl") || null,
    60_000,
  );
}

async function stopUp(): Promise<void> {
  up?.signal("SIGTERM");
  await up?.ended();
  up = null;
}

beforeAll(async () => {
  tailnet = await startTailnet();
  here = mkdtempSync(join(tmpdir(), "cf-h-"));
  there = mkdtempSync(join(tmpdir(), "cf-t-"));
  const keyFile = join(here, "edge.key");
  writeFileSync(keyFile, await tailnet.headscale.mint({ tags: ["tag:edge"], ephemeral: false }), { mode: 0o600 });
  await startUp("--ts-auth-key", `file:${keyFile}`);
}, 120_000);

afterAll(async () => {
  await agent?.terminate().catch(() => agent?.kill());
  await stopUp();
  await tailnet?.[Symbol.asyncDispose]();
  for (const dir of [here, there]) rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

describe("a private network by commands", () => {
  it("up --tailnet joins with a key from a file, as a node of tag:edge whose state nobody else can read", async () => {
    expect(await tailnet.headscale.nodes()).toMatchObject([{
      name: "comfyfleet-edge",
      tags: ["tag:edge"],
      online: true,
    }]);
    const folder = join(here, ".comfyfleet/edge/tailnet");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder).filter((one) => one.endsWith(".state"))) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
  });

  it("without a pod doctor says how to get one, and tailnet check that it has tried nothing", async () => {
    const { stdout } = await runCli(["doctor"], { cwd: here });
    expect(stdout).toMatch(/the edge knows no pod\n +fix: .*pods enroll/);
    expect((await runCli(["tailnet", "check"], { cwd: here })).stdout).toMatch(/^skipped +pods +None is on/m);
  });

  it("pods enroll prints a command that makes a pod, whose key is nobody's argument; a job runs there", async () => {
    const { pods: [enrolled], controlUrl } = await cli(Enrolled, "pods", "enroll", "--ttl", "5m");
    expect(controlUrl).toBe(tailnet.headscale.url);
    if (!enrolled) throw new Error("no pod was enrolled");
    expect((await pods()).find(({ id }) => id === enrolled.podId)).toMatchObject({ phase: "joining" });
    agent = paste(enrolled.start, there, join(tailnet.binaries, "tailscaled"));
    const log = agent;
    const pod = await until(`the pod to be ready; it says: ${log.log().slice(-2_000)}`, async () => {
      const found = (await pods()).find(({ id }) => id === enrolled.podId);
      return found?.phase === "ready" ? found : null;
    }, 60_000);
    expect(pod).toMatchObject({ name: enrolled.name, dev: false });
    const [keyFile = ""] = readdirSync(join(there, ".comfyfleet")).filter((name) => name.endsWith(".key"));
    expect(statSync(join(there, ".comfyfleet", keyFile)).mode & 0o777).toBe(0o600);
    expect(processesWith(enrolled.key)).toEqual([]);
    expect(readFileSync(join(there, "agent.log"), "utf8")).not.toContain(enrolled.key);
    for (const name of readdirSync(join(here, ".comfyfleet/logs"))) {
      expect(readFileSync(join(here, ".comfyfleet/logs", name), "utf8")).not.toContain(enrolled.key);
    }

    const run = ["run", WORKFLOW, "--input", `Picture.image=@${PICTURE}`, "-o", join(here, "out")];
    const { jobId } = await cli(z.object({ jobId: z.string() }), ...run);
    expect(JSON.stringify(await cli(z.unknown(), "jobs", "get", jobId))).toContain(enrolled.podId);
  }, 120_000);

  it("tailnet check finds closed what must be, and says so of each port", async () => {
    const { healthy, checks } = await cli(Checks, "tailnet", "check");
    expect(healthy, JSON.stringify(checks)).toBe(true);
    const [pod] = await pods();
    expect(linesOf(checks)).toMatchObject({
      [`pod ${pod?.name} port 8188`]: ["ok", "Closed to this edge"],
      [`pod ${pod?.name} port 8888`]: ["ok", "Closed to this edge"],
      [`pod ${pod?.name}: other pods`]: ["ok", "None can be seen."],
      [`pod ${pod?.name}: edge comfyfleet-edge port 8080`]: ["ok", "Closed to this pod."],
      [`pod ${pod?.name}: edge comfyfleet-edge port 8189`]: ["ok", "Closed to this pod."],
    });
  }, 120_000);

  it("doctor has a line for each thing on the edge's side", async () => {
    const [pod] = await pods();
    const name = `pod ${pod?.name}`;
    const { healthy, checks } = await cli(Checks, "doctor");
    expect(healthy, JSON.stringify(checks)).toBe(true);
    expect(linesOf(checks)).toMatchObject({
      "tailnet tailscaled": ["ok", expect.stringMatching(/^Running in userspace mode, version 1\./)],
      "tailnet tag": ["ok", "tag:edge"],
      "tailnet connection": ["ok", "Connected to the control server"],
      "tailnet control server": ["ok", "headscale's API answers"],
      "tailnet policy": ["ok", expect.stringContaining(SHIPPED_POLICY_SHA256.headscale)],
      "tailnet devices": ["ok", "every device with a pod's tag is a pod"],
      [`${name} path`]: ["ok", expect.stringMatching(/^Direct, [\d.]+ ms$/)],
      [`${name} capability`]: ["ok", "The agent lets this edge in"],
      [`${name} clock`]: ["ok", expect.stringContaining("agrees with this machine's")],
    });
  }, 60_000);

  it("agent health and agent doctor say on the pod's machine how it stands", async () => {
    const on = onPod();
    expect(jsonLines(await runCli(["agent", "health", ...on], { cwd: there }))).toMatchObject([
      { ok: true, data: { ready: true, tailnet: { state: "running" } } },
    ]);
    const doctor = await runCli(["agent", "doctor", ...on], { cwd: there });
    expect(doctor.code).toBe(0);
    expect(linesOf(checksIn(doctor))).toMatchObject({
      "ComfyUI": ["ok", expect.stringContaining("ready")],
      "tailscaled": ["ok", expect.stringMatching(/^Version 1\..*Running as 100\.64\./)],
      "mode": ["ok", expect.stringContaining("Userspace")],
      "tag": ["ok", "tag:pod"],
      "control server": ["ok", "Connected."],
      "clock": ["ok", expect.stringMatching(/^[01] s (ahead of|behind) the control server's/)],
      "other pods": ["ok", "None can be seen."],
      "edge comfyfleet-edge path": ["ok", expect.stringMatching(/^Direct, [\d.]+ ms\.$/)],
      "edge comfyfleet-edge port 8080": ["ok", "Closed to this pod."],
      "edge comfyfleet-edge port 8189": ["ok", "Closed to this pod."],
      "capability": ["ok", `${DEFAULT_CAPABILITY}: the last caller came with invoke, observe, operate.`],
      "policy": ["skipped", expect.stringContaining(SHIPPED_POLICY_SHA256.headscale)],
      "caller": ["skipped", "Asked on this machine."],
    });
  });

  it(
    "a policy that opens an edge, and grants it nothing: both doctors name what is wrong, with what to do",
    async () => {
      const [{ name } = { name: "" }] = await pods();
      const opened = policyOf([{ src: "tag:edge" }, { src: "tag:pod", dst: "tag:edge", ports: [8080] }]);
      expect(await tailnet.headscale.setPolicy(opened)).toEqual({ taken: true });
      const edge = await until("doctor to see that the agent does not let the edge in", async () => {
        const result = await runCli(["doctor"], { cwd: here });
        return new RegExp(`^FAILED +pod ${name} capability`, "m").test(result.stdout) ? result : null;
      }, 60_000);
      expect(edge.code).toBe(1);
      expect(edge.stdout).toMatch(
        new RegExp(`FAILED +pod ${name} capability .*\\n +fix: Give the edge's node the tag`),
      );
      expect(edge.stdout).toMatch(/warning +tailnet policy +is not the one that is shipped.*\n +fix: Compare it/);
      for (const sha256 of [sha256Of(opened), SHIPPED_POLICY_SHA256.headscale]) expect(edge.stdout).toContain(sha256);
      const onItsMachine = await runCli(["agent", "doctor", ...onPod()], { cwd: here });
      expect(onItsMachine.code).toBe(1);
      const [closed] = checksIn(onItsMachine).filter(({ status }) => status === "failed");
      expect(closed).toMatchObject({
        name: "edge comfyfleet-edge port 8080",
        message: "Nothing listens there, but the policy lets this pod through.",
        fix: expect.stringContaining("docker/tailnet/policy.hujson"),
      });
      expect(await tailnet.headscale.setPolicy(shippedPolicy())).toEqual({ taken: true });
      await until("the pod to be ready again", async () => {
        return (await pods()).some((pod) => pod.name === name && pod.phase === "ready") || null;
      }, 60_000);
    },
    180_000,
  );

  it("up starts again as the same node without a key, and finds its pod", async () => {
    const [edge] = (await tailnet.headscale.nodes()).filter(({ name }) => name === "comfyfleet-edge");
    await stopUp();
    rmSync(join(here, "edge.key"));
    await startUp();
    const again = (await tailnet.headscale.nodes()).filter(({ name }) => name === "comfyfleet-edge");
    expect(again.map(({ id }) => id)).toEqual([edge?.id]);
    await until("the pod to be ready again", async () => {
      const found = (await pods()).filter(({ name }) => name.startsWith("pod-"));
      return found.some(({ phase }) => phase === "ready") || null;
    }, 60_000);
  }, 180_000);

  it("pods remove takes the pod off the tailnet and out of the list", async () => {
    const [pod] = (await pods()).filter(({ name }) => name.startsWith("pod-"));
    const removed = await cli(z.object({ device: z.string() }).loose(), "pods", "remove", pod?.name ?? "");
    expect(removed).toMatchObject({ device: "deleted", key: "none" });
    expect((await tailnet.headscale.nodes()).map(({ name }) => name)).toEqual(["comfyfleet-edge"]);
    expect((await pods()).map(({ name }) => name)).toEqual([]);
  });
});
