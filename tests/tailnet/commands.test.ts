/** What a person types for a private network, on a real one: `up --tailnet`, `pods enroll`, the printed command, `pods remove`. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Enrolment } from "../../contracts/edge/enrolment.ts";
import { SHIPPED_POLICY_SHA256 } from "../../contracts/tailnet/policy.ts";
import { DEFAULT_CAPABILITY } from "../../contracts/tailnet/words.ts";
import { Checks, checksIn, linesOf } from "../support/fleet/check-lines.ts";
import { jsonLines, runCli } from "../support/fleet/cli.ts";
import type { ManagedProcess } from "../support/fleet/process.ts";
import { until } from "../support/fleet/until.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { paste } from "../support/tailnet/paste.ts";
import { policyOf } from "../support/tailnet/policies.ts";
import { startTypedNetwork, type TypedNetwork } from "../support/tailnet/typed-network.ts";

const WORKFLOW = fileURLToPath(new URL("../../cli/demo/workflow.json", import.meta.url));
const PICTURE = fileURLToPath(new URL("../../cli/demo/postcard.png", import.meta.url));
const Enrolled = Enrolment.extend({ pods: z.array(Enrolment.shape.pods.element.extend({ start: z.string() })) });

let site: TypedNetwork;
let agent: ManagedProcess | null = null;

const sha256Of = (text: string) => createHash("sha256").update(text).digest("hex");

/** Of `agent` commands about the pod that was started. */
function onPod(): string[] {
  const [state = ""] = readdirSync(join(site.there, ".comfyfleet")).filter((name) => /^pod-\w+$/.test(name));
  return ["--state", join(site.there, ".comfyfleet", state), "--json"];
}

beforeAll(async () => {
  site = await startTypedNetwork();
}, 120_000);

afterAll(async () => {
  await agent?.terminate().catch(() => agent?.kill());
  await site?.[Symbol.asyncDispose]();
});

describe("a private network by commands", () => {
  it("up --tailnet joins with a key from a file, as a node of tag:edge whose state nobody else can read", async () => {
    expect(await site.tailnet.headscale.nodes()).toMatchObject([{
      name: "comfyfleet-edge",
      tags: ["tag:edge"],
      online: true,
    }]);
    const folder = join(site.here, ".comfyfleet/edge/tailnet");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder).filter((one) => one.endsWith(".state"))) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
  });

  it("the edge's key and the API's are in no process's arguments or variables, and in no log", () => {
    for (const secret of [site.edgeKey, site.tailnet.headscale.apiKey]) site.expectSecret(secret);
  });

  it("without a pod doctor says how to get one, and tailnet check that it has tried nothing", async () => {
    const { stdout } = await site.run("doctor");
    expect(stdout).toMatch(/the edge knows no pod\n +fix: .*pods enroll/);
    expect((await site.run("tailnet", "check")).stdout).toMatch(/^skipped +pods +None is on/m);
  });

  it("pods enroll prints a command that makes a pod, whose key is nobody's argument; a job runs there", async () => {
    const { pods: [enrolled], controlUrl } = await site.cli(Enrolled, "pods", "enroll", "--ttl", "5m");
    expect(controlUrl).toBe(site.tailnet.headscale.url);
    if (!enrolled) throw new Error("no pod was enrolled");
    expect((await site.pods()).find(({ id }) => id === enrolled.podId)).toMatchObject({ phase: "joining" });
    agent = paste(enrolled.start, site.there, join(site.tailnet.binaries, "tailscaled"));
    const log = agent;
    const pod = await until(`the pod to be ready; it says: ${log.log().slice(-2_000)}`, async () => {
      const found = (await site.pods()).find(({ id }) => id === enrolled.podId);
      return found?.phase === "ready" ? found : null;
    }, 60_000);
    expect(pod).toMatchObject({ name: enrolled.name, dev: false });
    const [keyFile = ""] = readdirSync(join(site.there, ".comfyfleet")).filter((name) => name.endsWith(".key"));
    expect(statSync(join(site.there, ".comfyfleet", keyFile)).mode & 0o777).toBe(0o600);
    site.expectSecret(enrolled.key);
    expect(readFileSync(join(site.there, "agent.log"), "utf8")).not.toContain(enrolled.key);

    const run = ["run", WORKFLOW, "--input", `Picture.image=@${PICTURE}`, "-o", join(site.here, "out")];
    const { jobId } = await site.cli(z.object({ jobId: z.string() }), ...run);
    expect(JSON.stringify(await site.cli(z.unknown(), "jobs", "get", jobId))).toContain(enrolled.podId);
  }, 120_000);

  it("tailnet check finds closed what must be, and says so of each port", async () => {
    const { healthy, checks } = await site.cli(Checks, "tailnet", "check");
    expect(healthy, JSON.stringify(checks)).toBe(true);
    const [pod] = await site.pods();
    expect(linesOf(checks)).toMatchObject({
      [`pod ${pod?.name} port 8188`]: ["ok", "Closed to this edge"],
      [`pod ${pod?.name} port 8888`]: ["ok", "Closed to this edge"],
      [`pod ${pod?.name}: other pods`]: ["ok", "None can be seen."],
      [`pod ${pod?.name}: edge comfyfleet-edge port 8080`]: ["ok", "Closed to this pod."],
      [`pod ${pod?.name}: edge comfyfleet-edge port 8189`]: ["ok", "Closed to this pod."],
    });
  }, 120_000);

  it("doctor has a line for each thing on the edge's side", async () => {
    const [pod] = await site.pods();
    const name = `pod ${pod?.name}`;
    const { healthy, checks } = await site.cli(Checks, "doctor");
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
    expect(jsonLines(await runCli(["agent", "health", ...on], { cwd: site.there }))).toMatchObject([
      { ok: true, data: { ready: true, tailnet: { state: "running" } } },
    ]);
    const doctor = await runCli(["agent", "doctor", ...on], { cwd: site.there });
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
      const [{ name } = { name: "" }] = await site.pods();
      const opened = policyOf([{ src: "tag:edge" }, { src: "tag:pod", dst: "tag:edge", ports: [8080] }]);
      expect(await site.tailnet.headscale.setPolicy(opened)).toEqual({ taken: true });
      const edge = await until("doctor to see that the agent does not let the edge in", async () => {
        const result = await site.run("doctor");
        return new RegExp(`^FAILED +pod ${name} capability`, "m").test(result.stdout) ? result : null;
      }, 60_000);
      expect(edge.code).toBe(1);
      expect(edge.stdout).toMatch(
        new RegExp(`FAILED +pod ${name} capability .*\\n +fix: Give the edge's node the tag`),
      );
      expect(edge.stdout).toMatch(/warning +tailnet policy +is not the one that is shipped.*\n +fix: Compare it/);
      for (const sha256 of [sha256Of(opened), SHIPPED_POLICY_SHA256.headscale]) expect(edge.stdout).toContain(sha256);
      const onItsMachine = await site.run("agent", "doctor", ...onPod());
      expect(onItsMachine.code).toBe(1);
      const [closed] = checksIn(onItsMachine).filter(({ status }) => status === "failed");
      expect(closed).toMatchObject({
        name: "edge comfyfleet-edge port 8080",
        message: "Nothing listens there, but the policy lets this pod through.",
        fix: expect.stringContaining("docker/tailnet/policy.hujson"),
      });
      expect(await site.tailnet.headscale.setPolicy(shippedPolicy())).toEqual({ taken: true });
      await until("the pod to be ready again", async () => {
        return (await site.pods()).some((pod) => pod.name === name && pod.phase === "ready") || null;
      }, 60_000);
    },
    180_000,
  );

  it("up starts again as the same node without a key, and finds its pod", async () => {
    const [edge] = (await site.tailnet.headscale.nodes()).filter(({ name }) => name === "comfyfleet-edge");
    await site.stopUp();
    rmSync(site.edgeKeyFile);
    await site.startUp();
    const again = (await site.tailnet.headscale.nodes()).filter(({ name }) => name === "comfyfleet-edge");
    expect(again.map(({ id }) => id)).toEqual([edge?.id]);
    await until("the pod to be ready again", async () => {
      const found = (await site.pods()).filter(({ name }) => name.startsWith("pod-"));
      return found.some(({ phase }) => phase === "ready") || null;
    }, 60_000);
  }, 180_000);

  it("pods remove takes the pod off the tailnet and out of the list", async () => {
    const [pod] = (await site.pods()).filter(({ name }) => name.startsWith("pod-"));
    const removed = await site.cli(z.object({ device: z.string() }).loose(), "pods", "remove", pod?.name ?? "");
    expect(removed).toMatchObject({ device: "deleted", key: "none" });
    expect((await site.tailnet.headscale.nodes()).map(({ name }) => name)).toEqual(["comfyfleet-edge"]);
    expect((await site.pods()).map(({ name }) => name)).toEqual([]);
  });

  it("pods enroll --count 2 --ttl 5m prints two commands, each with a key of its own that lasts five minutes", async () => {
    const askedMs = Date.now();
    const { stdout, stderr } = await site.run("pods", "enroll", "--count", "2", "--ttl", "5m");
    const inFiveMinutes = (at: string) => Math.abs(Date.parse(at) - askedMs - 300_000) < 15_000;
    const end = /^2 pods are awaited until (\S+)\. /m.exec(stderr)?.[1] ?? "";
    expect(end).toSatisfy(inFiveMinutes);
    const blocks = stdout.split("\n\n").filter((block) => block.includes("comfyfleet agent start"));
    expect(blocks).toHaveLength(2);
    const ids = blocks.map((block) => /^# (pod_\w+)$/m.exec(block)?.[1] ?? "");
    const keys = blocks.map((block) => /printf %s (\S+) > /.exec(block)?.[1] ?? "");
    expect(new Set(ids)).toEqual(new Set((await site.pods()).map(({ id }) => id)));
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) site.expectSecret(key);
    const left = (await site.unusedKeys()).filter(({ expiration }) => inFiveMinutes(expiration));
    expect(left).toHaveLength(2);
    for (const id of ids) {
      expect(await site.cli(z.object({ key: z.string() }), "pods", "remove", id)).toEqual({ key: "revoked" });
    }
  });
});
