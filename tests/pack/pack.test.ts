/**
 * The package as a stranger gets it: packed, installed into an empty folder, type-checked, and run there on Node and Deno
 * against the edge that it carries.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const binaries = join(root, "node_modules", ".bin");
const stepDeadlineMs = 120_000;

/** What the README promises in ten lines: a typed call, and a typed error that says what to do. */
const clientSource = `import { createFleet, FleetError, type Job } from "comfyfleet/client";
import { JobId } from "comfyfleet/contracts";

const baseUrl: string = process.argv[2] ?? "";
const fleet = createFleet({ baseUrl, apiKey: "cfl_unknown_key" });
try {
  const job: Job = await fleet.run({ "1": { class_type: "EmptyImage", inputs: { width: 64 } } }).submitted;
  console.log(JobId.parse(job.id));
} catch (error) {
  console.log(error instanceof FleetError ? error.code : \`untyped: \${String(error)}\`);
}
`;

describe("packed comfyfleet", () => {
  let folder = "";
  const children: ChildProcess[] = [];

  const inFolder = async (command: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, PATH: `${binaries}:${process.env["PATH"] ?? ""}` };
    const { stdout } = await run(command, args, { cwd: folder, env, timeout: stepDeadlineMs });
    return stdout.trim();
  };

  /** Starts a command in its own process group and resolves with the first line that `pattern` finds something in. */
  const startUntil = async (pattern: RegExp, command: string, options: { args: string[]; env?: object }) => {
    const child = spawn(command, options.args, {
      cwd: folder,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    children.push(child);
    const seen: string[] = [];
    const found = new Promise<string>((settle, fail) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          seen.push(line);
          const match = pattern.exec(line)?.[1];
          if (match !== undefined) settle(match);
        });
      }
      child.once("exit", (code) => fail(new Error(`${command} ended with ${code}: ${seen.join("\n")}`)));
      setTimeout(() => fail(new Error(`${command} printed no address: ${seen.join("\n")}`)), 30_000).unref();
    });
    return await found;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "comfyfleet-pack-"));
    await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: root, timeout: stepDeadlineMs });
    const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await inFolder("npm", "install", `./${tarball}`, "--prefer-offline", "--no-audit", "--no-fund", "--silent");
    await writeFile(join(folder, "client.ts"), clientSource);
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
    const hostTypes = ["declare const process: { argv: string[] };"];
    if (!lib.includes("dom")) hostTypes.push("declare const console: { log(text: string): void };");
    await writeFile(join(folder, "host.d.ts"), hostTypes.join("\n"));
    const strict = { strict: true, noEmit: true, target: "esnext", module: "nodenext", types: [] };
    const project = { compilerOptions: { ...strict, ...compilerOptions }, files: ["client.ts", "host.d.ts"] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(project));
    return await inFolder("tsc", "-p", "tsconfig.json").catch((error: { stdout?: string }) => error.stdout ?? "failed");
  };

  it("type-checks a client with every declaration checked (lib esnext and dom)", async () => {
    expect(await typeCheck({ lib: ["esnext", "dom"], skipLibCheck: false })).toBe("");
  });

  it("type-checks a client with a lib that lacks what our declarations name, and skipLibCheck", async () => {
    expect(await typeCheck({ lib: ["es2024"], skipLibCheck: true })).toBe("");
  });

  it("runs a client on Node and on Deno against the packed edge", async () => {
    const baseUrl = await startUntil(/(http:\/\/127\.0\.0\.1:\d+)/, join(binaries, "node"), {
      args: ["node_modules/comfyfleet/dist/proxy/main.node.js"],
      env: { EDGE_LISTEN: "127.0.0.1:0", EDGE_DATA_DIR: join(folder, "edge") },
    });
    expect(await inFolder("node", "client.ts", baseUrl)).toBe("unauthorized");
    expect(await inFolder("deno", "run", "--allow-net", "--allow-env", "--allow-read=.", "client.ts", baseUrl)).toBe(
      "unauthorized",
    );
  });

  it("npx comfyfleet fake-comfy answers as ComfyUI does", async () => {
    const baseUrl = await startUntil(/(http:\/\/127\.0\.0\.1:\d+)/, "npx", {
      args: ["comfyfleet", "fake-comfy", "--port", "0"],
    });
    const response = await fetch(`${baseUrl}/system_stats`, { signal: AbortSignal.timeout(10_000) });
    expect(await response.json()).toMatchObject({ system: { comfyui_version: expect.any(String) } });
  });
});
