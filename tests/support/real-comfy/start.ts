// Starts a process that speaks ComfyUI's wire (the real one, or another program with its flags) on a free port, with
// every directory its own, and ends it and all that it started.
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureRealComfy, type RealComfy } from "./setup.ts";
import { writeTinyUnet } from "./tiny-unet.ts";

export type StartOptions = {
  /** Which ComfyUI. Default: `ensureRealComfy()`. */
  comfy?: RealComfy;
  /** Another program instead, with its first arguments and its folder. */
  program?: { argv: [string, ...string[]]; cwd: string };
  /** Further command line arguments, after those that make the run private. */
  args?: string[];
  /** Port to listen on. Default: a free one. */
  port?: number;
  /** Write the made-up model for KSampler jobs into the models folder. Default: false. */
  tinyUnet?: boolean;
  /** Have the class `PartnerKeyProbe`. Default: false. */
  partnerNode?: boolean;
  /** Deadline until it answers. Default: 3 minutes (a cold page cache on two cores). */
  readyTimeoutMs?: number;
};

export type StartedComfy = {
  url: string;
  port: number;
  child: ChildProcess;
  /** Holds input, output, models, temp, user and comfyui.log; removed by `stop`. */
  baseDir: string;
  /** Everything that the process has written so far. */
  log: () => Promise<string>;
  /** SIGINT, after 10 s SIGKILL of the whole group; then the directory is removed. Safe to call twice. */
  stop: () => Promise<void>;
};

/** Folder of the Python class `PartnerKeyProbe`. */
const PARTNER_NODE = "partner_key_probe";
const STOP_GRACE_MS = 10_000;

/**
 * Starts ComfyUI (on the CPU) and waits until it answers `GET /prompt` as the process that was started here.
 * @throws Error with the end of its log when it ends or does not answer in time.
 */
export async function startComfy(options: StartOptions = {}): Promise<StartedComfy> {
  const { argv: [program, ...first], cwd } = options.program ?? programOf(options.comfy ?? await ensureRealComfy());
  const baseDir = await mkdtemp(join(tmpdir(), "real-comfy-"));
  const frontend = join(baseDir, "front");
  await mkdir(frontend);
  await writeFile(join(frontend, "index.html"), "<!doctype html><title>no page in tests</title>\n");
  const probe = options.partnerNode === true ? await addPartnerNode(baseDir, options.program !== undefined) : [];
  if (options.tinyUnet) await writeTinyUnet(join(baseDir, "models"));
  const port = options.port ?? await freePort();
  const args = [
    ...[...first, "--cpu", "--listen", "127.0.0.1", "--port", String(port)],
    ...["--base-directory", baseDir, "--temp-directory", baseDir, "--front-end-root", frontend],
    ...["--database-url", "sqlite:///:memory:", "--preview-method", "latent2rgb"],
    ...["--disable-api-nodes", "--disable-all-custom-nodes", "--disable-metadata"],
    ...probe,
    ...options.args ?? [],
  ];
  const logPath = join(baseDir, "comfyui.log");
  const logFile = await open(logPath, "a");
  const child = spawn(program, args, {
    cwd,
    // A file, because a full or broken pipe stops ComfyUI; a group, so that nothing outlives the test.
    stdio: ["ignore", logFile.fd, logFile.fd],
    detached: true,
  });
  await logFile.close();
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  let stopping: Promise<void> | undefined;
  const started: StartedComfy = {
    url: `http://127.0.0.1:${port}`,
    port,
    child,
    baseDir,
    log: () => readFile(logPath, "utf8"),
    stop: () => stopping ??= stop(child, { ended, baseDir }),
  };
  const why = await waitUntilReady(started, { ended, timeoutMs: options.readyTimeoutMs ?? 180_000 });
  if (why === undefined) return started;
  const log = await started.log().catch(() => "");
  await started.stop();
  throw new Error(`Cannot start ComfyUI: ${why}\n${log.slice(-3_000)}`);
}

/** A copy, because Python writes its compiled code beside it. @returns the flags beside the folder's own */
export async function copyPartnerNode(folder: string): Promise<string[]> {
  await cp(new URL(`./${PARTNER_NODE}`, import.meta.url), join(folder, PARTNER_NODE), { recursive: true });
  return ["--whitelist-custom-nodes", PARTNER_NODE];
}

/** The flags with which a ComfyUI, or the stand-in, has the class. */
async function addPartnerNode(baseDir: string, isStandIn: boolean): Promise<string[]> {
  if (isStandIn) return ["--partner-node"];
  return await copyPartnerNode(join(baseDir, "custom_nodes"));
}

function programOf(comfy: RealComfy): { argv: [string, ...string[]]; cwd: string } {
  return { argv: [comfy.python, join(comfy.comfyuiDir, "main.py")], cwd: comfy.comfyuiDir };
}

/** A TCP port of 127.0.0.1 that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("Cannot find a free port: no address"));
        else resolve(address.port);
      });
    });
  });
}

/** Resolves to undefined when ready, else to the reason. */
async function waitUntilReady(
  comfy: StartedComfy,
  { ended, timeoutMs }: { ended: Promise<string>; timeoutMs: number },
): Promise<string | undefined> {
  let why: string | undefined;
  void ended.then((reason) => why = reason);
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (why !== undefined) return why;
    if (await answersAsOurs(comfy)) return undefined;
    await sleep(100);
  }
  return `it did not answer within ${Math.round(timeoutMs / 1000)} s`;
}

/** Another process may have taken the port: only ours has our directory in its command line. */
async function answersAsOurs(comfy: StartedComfy): Promise<boolean> {
  try {
    const prompt = await fetch(`${comfy.url}/prompt`, { signal: AbortSignal.timeout(5_000) });
    const stats = await fetch(`${comfy.url}/system_stats`, { signal: AbortSignal.timeout(5_000) });
    return prompt.status === 200 && (await stats.text()).includes(comfy.baseDir);
  } catch {
    return false;
  }
}

async function stop(
  child: ChildProcess,
  { ended, baseDir }: { ended: Promise<string>; baseDir: string },
): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
  const patience = new AbortController();
  await Promise.race([ended, sleep(STOP_GRACE_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
  patience.abort();
  if (child.pid !== undefined) {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // The whole group is gone already.
    }
    await ended;
  }
  await rm(baseDir, { recursive: true, force: true });
}
