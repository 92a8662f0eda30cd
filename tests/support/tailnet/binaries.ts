// The tailscaled and headscale of the suite: those in the folder that TAILNET_BIN names, else built once from the go.mod
// and go.sum files in tests/tailnet/tools into the cache folder. Run as a program it prints the folder.
import { createHash } from "node:crypto";
import { access, chmod, constants, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../real-comfy/cache-folder.ts";
import { runCommand } from "../real-comfy/run-command.ts";
import { takeSetupLock } from "../real-comfy/setup-lock.ts";
import { goEnvironment, requireGo } from "./go.ts";
import { requirePinned, TAILSCALE } from "./versions.ts";

interface Tool {
  /** Of the binary, and of the folder of its go.mod where that is not named otherwise. */
  name: "tailscaled" | "headscale";
  module: string;
  /** Import path of the program. */
  program: string;
  ldflags: string;
}

const TOOLS: readonly Tool[] = [
  {
    ...{ name: "tailscaled", module: "tailscale", program: "tailscale.com/cmd/tailscaled" },
    ldflags: ["-s -w", ...["long", "short"].map((of) => `-X tailscale.com/version.${of}Stamp=${TAILSCALE}`)].join(" "),
  },
  {
    ...{ name: "headscale", module: "headscale", program: "github.com/juanfont/headscale/cmd/headscale" },
    ldflags: "-s -w",
  },
];

const MODULES = fileURLToPath(new URL("../../tailnet/tools/", import.meta.url));
/** Raised when the way of building changes. */
const RECIPE = 1;
const TIMEOUT_MS = 25 * 60_000;
const HINT = "Hint: run it again (what is compiled is kept), or point TAILNET_BIN at a folder with both programs.";

export interface BinaryOptions {
  env?: NodeJS.ProcessEnv;
  /** Receives one line at a time. @default stderr */
  say?: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * The folder that has `tailscaled` and `headscale`, built first where there is none. What was built is compared with the
 * hash that was noted then.
 * @throws Error with a hint: no Go or an old one, no network, a binary that is not what was built, or one that is given
 * and is of another version
 */
export async function ensureBinaries(options: BinaryOptions = {}): Promise<string> {
  const { env = process.env, say = (line: string) => void process.stderr.write(`${line}\n`) } = options;
  if (env.TAILNET_BIN) return await useGiven(resolve(env.TAILNET_BIN));
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const go = await requireGo(await minimumGo(), { env, signal });
  const dir = join(cacheFolder(env), "tailnet", await keyOf(go));
  if (await isWhole(dir)) return dir;
  const lock = await takeSetupLock(`${dir}.lock`, {
    signal,
    onWait: (holder) => say(`Waiting for process ${holder}, which is building tailscaled and headscale`),
  });
  try {
    if (!await isWhole(dir)) await build(dir, { env, say, signal });
    return dir;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot build tailscaled and headscale: ${why}\n${HINT}`, { cause });
  } finally {
    await lock.release();
  }
}

/** Asked once in a process: many tailnets of one run name the same folder. */
const given = new Map<string, Promise<void>>();

async function useGiven(dir: string): Promise<string> {
  for (const { name } of TOOLS) {
    await access(join(dir, name), constants.X_OK).catch((cause: unknown) => {
      throw new Error(`Cannot use TAILNET_BIN=${dir}: it has no program '${name}'`, { cause });
    });
  }
  const checked = given.get(dir) ?? requirePinned(dir);
  given.set(dir, checked);
  await checked;
  return dir;
}

async function moduleFiles(): Promise<Buffer[]> {
  const paths = TOOLS.flatMap(({ module }) => [`${module}/go.mod`, `${module}/go.sum`]);
  return await Promise.all(paths.map((path) => readFile(join(MODULES, path))));
}

/** The newest that one of the modules asks for, as its `go` line says. */
async function minimumGo(): Promise<string> {
  const lines = (await moduleFiles()).flatMap((file) => /^go (\S+)$/m.exec(file.toString("utf8"))?.[1] ?? []);
  return lines.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1) ?? "1.26";
}

async function keyOf(goVersion: string): Promise<string> {
  const recipe = JSON.stringify([RECIPE, goVersion, goEnvironment({}), TOOLS, process.platform, process.arch]);
  const hash = createHash("sha256").update(recipe);
  for (const file of await moduleFiles()) hash.update(file);
  return hash.digest("hex").slice(0, 16);
}

const hashFile = (dir: string, name: string) => join(dir, `${name}.sha256`);

async function sha256Of(path: string): Promise<string> {
  return createHash("sha256").update(await readFile(path)).digest("hex");
}

/** False where something is missing. @throws Error where a binary has changed since it was built */
async function isWhole(dir: string): Promise<boolean> {
  for (const { name } of TOOLS) {
    const noted = await readFile(hashFile(dir, name), "utf8").catch(() => null);
    const found = await sha256Of(join(dir, name)).catch(() => null);
    if (noted === null || found === null) return false;
    if (noted.trim() === found) continue;
    throw new Error(
      `Cannot use ${
        join(dir, name)
      }: it is not what was built there\nHint: find out why, remove the folder and run it again.`,
    );
  }
  return true;
}

interface BuildTools {
  env: NodeJS.ProcessEnv;
  say: (line: string) => void;
  signal: AbortSignal;
}

async function build(dir: string, { env, say, signal }: BuildTools): Promise<void> {
  const startedMs = performance.now();
  say(`Building tailscaled ${TAILSCALE} and headscale from their pinned modules, once, into ${dir}:`);
  say("about 4.5 minutes on two cores, some 1 GB of modules to fetch where Go has none of them yet");
  await mkdir(dir, { recursive: true });
  for (const { name, module, program, ldflags } of TOOLS) {
    const toolStartedMs = performance.now();
    const unfinished = join(dir, `${name}.unfinished`);
    await runCommand(["go", "build", "-ldflags", ldflags, "-o", unfinished, program], {
      cwd: join(MODULES, module),
      env: { ...env, ...goEnvironment(env) },
      signal,
    });
    await chmod(unfinished, 0o755);
    await writeFile(hashFile(dir, name), `${await sha256Of(unfinished)}\n`);
    await rename(unfinished, join(dir, name));
    say(`${name} built in ${Math.round((performance.now() - toolStartedMs) / 1000)} s`);
  }
  say(`Both are ready after ${Math.round((performance.now() - startedMs) / 1000)} s; later runs reuse them`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await ensureBinaries()}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
