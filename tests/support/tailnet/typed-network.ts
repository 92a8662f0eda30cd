/** A private network as a person types it: a control server, `up --tailnet` in one folder, and a folder for a pod's machine. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { Pod } from "../../../contracts/pod.ts";
import { type CliProcess, type CliResult, jsonLines, runCli, startCli } from "../fleet/cli.ts";
import { until } from "../fleet/until.ts";
import { HERMETIC_SETTINGS } from "./daemon.ts";
import { processesWith } from "./processes-with.ts";
import { startTailnet, type TestTailnet } from "./tailnet.ts";

export interface TypedNetwork extends AsyncDisposable {
  tailnet: TestTailnet;
  /** Where the edge's commands are typed, and where the pod's. */
  here: string;
  there: string;
  /** With which the edge's node joined, and where it lay. */
  edgeKey: string;
  edgeKeyFile: string;
  startUp(...args: string[]): Promise<void>;
  stopUp(): Promise<void>;
  /** In the edge's folder. */
  run(...args: string[]): Promise<CliResult>;
  /** The data of a command with `--json`. @throws Error with what it says instead */
  cli<T extends z.ZodType>(schema: T, ...args: string[]): Promise<z.output<T>>;
  pods(): Promise<Pod[]>;
  /** No process has it among its arguments or variables, and neither what `up` says nor its logs have it. */
  expectSecret(secret: string): void;
  /** Keys of pods that nobody has used, as headscale lists them. */
  unusedKeys(): Promise<{ expiration: string }[]>;
}

/** With an `up` that runs. */
export async function startTypedNetwork(): Promise<TypedNetwork> {
  const tailnet = await startTailnet();
  const here = mkdtempSync(join(tmpdir(), "cf-h-"));
  const there = mkdtempSync(join(tmpdir(), "cf-t-"));
  let up: CliProcess | null = null;
  // Where the README has it: below the edge's data folder, where one on Deno may read.
  const apiKeyFile = join(here, ".comfyfleet/edge/headscale.key");
  mkdirSync(join(here, ".comfyfleet/edge"), { recursive: true, mode: 0o700 });
  writeFileSync(apiKeyFile, tailnet.headscale.apiKey, { mode: 0o600 });
  const edgeKeyFile = join(here, "edge.key");
  const edgeKey = await tailnet.headscale.mint({ tags: ["tag:edge"], ephemeral: false });
  writeFileSync(edgeKeyFile, edgeKey, { mode: 0o600 });

  const settings = {
    ...HERMETIC_SETTINGS,
    ...{ HEADSCALE_URL: tailnet.headscale.url, HEADSCALE_API_KEY: `file:${apiKeyFile}`, POD_BEAT_MS: "500" },
    TAILSCALED: join(tailnet.binaries, "tailscaled"),
  };

  const network: TypedNetwork = {
    ...{ tailnet, here, there, edgeKey, edgeKeyFile },
    async startUp(...args) {
      up = startCli(["up", "--tailnet", "--comfyui", "none", "--port", "0", "--json", ...args], {
        cwd: here,
        env: settings,
        timeoutMs: 120_000,
      });
      const started = up;
      await until(
        `up to be ready; it says: ${started.stderr()}`,
        () => started.stdout().includes("baseUrl") || null,
        60_000,
      );
    },
    async stopUp() {
      up?.signal("SIGTERM");
      await up?.ended();
      up = null;
    },
    run: (...args) => runCli(args, { cwd: here }),
    async cli(schema, ...args) {
      const result = await runCli([...args, "--json"], { cwd: here });
      const last = z.object({ ok: z.boolean(), data: z.unknown().optional(), error: z.unknown().optional() }).parse(
        jsonLines(result).at(-1),
      );
      if (!last.ok) throw new Error(`'${args.join(" ")}' failed: ${JSON.stringify(last.error)}`);
      return schema.parse(last.data);
    },
    pods: async () => (await network.cli(z.object({ items: z.array(Pod) }), "pods", "ls")).items,
    expectSecret(secret) {
      expect(secret.length).toBeGreaterThan(20);
      expect(processesWith(secret)).toEqual([]);
      const logs = join(here, ".comfyfleet/logs");
      expect(readdirSync(logs)).toEqual(expect.arrayContaining(["edge.log", "tailscaled.log"]));
      const texts = readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"));
      for (const text of [...texts, up?.stdout() ?? "", up?.stderr() ?? ""]) expect(text).not.toContain(secret);
    },
    async unusedKeys() {
      const { url, apiKey } = tailnet.headscale;
      const answer = await fetch(`${url}/api/v1/preauthkey`, { headers: { authorization: `Bearer ${apiKey}` } });
      const Key = z.object({ expiration: z.string(), used: z.boolean().default(false), aclTags: z.array(z.string()) });
      const { preAuthKeys } = z.object({ preAuthKeys: z.array(Key) }).parse(await answer.json());
      return preAuthKeys.filter(({ used, aclTags }) => !used && aclTags.includes("tag:pod"));
    },
    async [Symbol.asyncDispose]() {
      await network.stopUp();
      await tailnet[Symbol.asyncDispose]();
      for (const dir of [here, there]) rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
  try {
    await network.startUp("--ts-auth-key", `file:${edgeKeyFile}`);
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}
