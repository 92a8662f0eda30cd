/**
 * The package as a stranger gets it: packed, installed into an empty folder, type-checked, and run there on Node and Deno
 * against the edge that it carries.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const binaries = join(root, "node_modules", ".bin");
const stepDeadlineMs = 120_000;

/** What the README promises in ten lines: a typed call, and a typed error that says what to do. */
const clientSource = `import { createFleet, createPodClient, type Dial, FleetError, type Job } from "comfyfleet/client";
import { JobId } from "comfyfleet/contracts";

const [baseUrl = "", apiKey = ""]: string[] = process.argv.slice(2);
const fleet = createFleet({ baseUrl, apiKey });
try {
  const job: Job = await fleet.run({ "1": { class_type: "EmptyImage", inputs: { width: 64 } } }).submitted;
  console.log(JobId.parse(job.id));
} catch (error) {
  console.log(error instanceof FleetError ? error.code : \`untyped: \${String(error)}\`);
}
// Of a pod that nobody dials: typed, and refused in our words.
const dial: Dial = () => Promise.reject(new FleetError("agent_unreachable", "no peer"));
const pod = createPodClient({ host: "pod-1", dial });
await pod.call((trpc) => trpc.comfy.status.query()).catch((error: unknown) => {
  if (!FleetError.is(error) || error.code !== "agent_unreachable") throw error;
});
`;

/** What the demo's last line says of the file that it saved. */
const demoSchema = z.object({
  state: z.literal("succeeded"),
  outputs: z.tuple([z.object({ path: z.string(), sha256: z.string(), sizeBytes: z.number() })]),
});

/** The examples of the README, with what their reader has already. */
async function readmeSource(): Promise<string> {
  const section = (await readFile(join(root, "README.md"), "utf8")).split("\n## From a program\n")[1] ?? "";
  const examples = [...(section.split("\n## ")[0] ?? "").matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]);
  if (examples.length < 2) throw new Error('Cannot find the ts blocks of "From a program" in the README');
  return `declare const workflow: import("comfyfleet/client").Workflow;\n${examples.join("")}`;
}

describe("packed comfyfleet", () => {
  let folder = "";
  const children: ChildProcess[] = [];

  const inFolder = async (command: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, PATH: `${binaries}:${process.env["PATH"] ?? ""}` };
    const { stdout } = await run(command, args, { cwd: folder, env, timeout: stepDeadlineMs });
    return stdout.trim();
  };

  /** Starts a command in its own process group; the result finds what a pattern captures in its output, now or later. */
  const start = (command: string, args: string[], env: Record<string, string> = {}) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    children.push(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => output += bytes.toString());
    return async (pattern: RegExp): Promise<string> => {
      const deadline = performance.now() + 30_000;
      while (performance.now() < deadline && child.exitCode === null) {
        const found = pattern.exec(output)?.[1];
        if (found !== undefined) return found;
        await sleep(50);
      }
      throw new Error(`${command} ${args.join(" ")} (exit code ${child.exitCode}) printed no ${pattern}:\n${output}`);
    };
  };

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "comfyfleet-pack-")));
    await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: root, timeout: stepDeadlineMs });
    const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await inFolder("npm", "install", `./${tarball}`, "--prefer-offline", "--no-audit", "--no-fund", "--silent");
    await writeFile(join(folder, "client.ts"), clientSource);
    await writeFile(join(folder, "readme.ts"), await readmeSource());
  });

  afterAll(async () => {
    for (const child of children) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      process.kill(-child.pid, "SIGKILL");
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });

  const typeCheck = async (compilerOptions: { lib: string[]; skipLibCheck: boolean }): Promise<string> => {
    const { lib } = compilerOptions;
    const hostTypes = ["declare const process: { argv: string[]; env: Record<string, string | undefined> };"];
    if (!lib.includes("dom")) hostTypes.push("declare const console: { log(text: unknown): void };");
    await writeFile(join(folder, "host.d.ts"), hostTypes.join("\n"));
    const strict = { strict: true, noEmit: true, target: "esnext", module: "nodenext", types: [] };
    const project = {
      compilerOptions: { ...strict, ...compilerOptions },
      files: ["client.ts", "readme.ts", "host.d.ts"],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(project));
    return await inFolder("tsc", "-p", "tsconfig.json").catch((error: { stdout?: string }) => error.stdout ?? "failed");
  };

  it("type-checks a client and the README's examples with every declaration checked (lib esnext and dom)", async () => {
    expect(await typeCheck({ lib: ["esnext", "dom"], skipLibCheck: false })).toBe("");
  });

  it("type-checks a client and the README's examples with a lib that lacks what our declarations name, and skipLibCheck", async () => {
    expect(await typeCheck({ lib: ["es2024"], skipLibCheck: true })).toBe("");
  });

  it("runs a client on Node and on Deno against the packed edge", async () => {
    const printed = start(join(binaries, "node"), ["node_modules/comfyfleet/dist/proxy/main.node.js"], {
      EDGE_LISTEN: "127.0.0.1:0",
      EDGE_DATA_DIR: join(folder, "edge"),
    });
    const baseUrl = `http://127.0.0.1:${await printed(/"port":(\d+)/)}`;
    const key = await printed(/(cfl_[\w-]+)/);
    const onDeno = ["run", "--allow-net", "--allow-env", "--allow-read=.", "client.ts", baseUrl];
    expect(await inFolder("node", "client.ts", baseUrl, key)).toMatch(/^job_\w+$/);
    expect(await inFolder("deno", ...onDeno, key)).toMatch(/^job_\w+$/);
    expect(await inFolder("node", "client.ts", baseUrl, "cfl_unknown_key")).toBe("unauthorized");
    expect(await inFolder("deno", ...onDeno, "cfl_unknown_key")).toBe("unauthorized");
  });

  it("npx comfyfleet fake-comfy answers as ComfyUI does", async () => {
    const printed = start("npx", ["comfyfleet", "fake-comfy", "--port", "0"]);
    const baseUrl = await printed(/(http:\/\/127\.0\.0\.1:\d+)/);
    const response = await fetch(`${baseUrl}/system_stats`, { signal: AbortSignal.timeout(10_000) });
    expect(await response.json()).toMatchObject({ system: { comfyui_version: expect.any(String) } });
  });

  it("npx --no comfyfleet agent start makes a pod of this machine, and agent health says that it is ready", async () => {
    const state = join(folder, "agent");
    const command = ["--no", "comfyfleet", "agent", "start", "--comfyui", "fake", "--state", state];
    const settings = { AGENT_LISTEN: "127.0.0.1:0", AGENT_SECRET: "a secret of the test", COMFYUI_PORT: "0" };
    const printed = start("npx", command, { ...settings, ENABLE_TAILSCALE: "0" });
    await printed(/"msg":"(agent listening)"/);
    const deadline = performance.now() + 30_000;
    const healthy = () => inFolder("npx", "comfyfleet", "agent", "health", "--state", state).catch(() => "not ready");
    let said = await healthy();
    while (said !== "ready" && performance.now() < deadline) said = await healthy();
    expect(said).toBe("ready");
  });

  it.each(["node", "deno"])(
    "npx comfyfleet demo --json --runtime %s saves the picture that its last line names",
    async (runtime) => {
      const empty = join(folder, `demo-${runtime}`);
      await mkdir(empty);
      const env = { ...process.env, PATH: `${binaries}:${process.env["PATH"] ?? ""}` };
      const command = ["comfyfleet", "demo", "--json", "--runtime", runtime];
      const { stdout } = await run("npx", command, { cwd: empty, env, timeout: stepDeadlineMs });
      const { outputs: [output] } = demoSchema.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? ""));
      expect(dirname(output.path)).toBe(join(empty, "comfyfleet-out"));
      const bytes = await readFile(output.path);
      expect(output.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
      expect(output.sizeBytes).toBe(bytes.byteLength);
    },
  );
});
