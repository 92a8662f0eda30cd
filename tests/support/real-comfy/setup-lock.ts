// One set-up at a time per cache folder: test suites and people may ask for it at the same moment.
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type SetupLock = { release: () => Promise<void> };

export type SetupLockOptions = {
  signal: AbortSignal;
  /** Called once, with the holder's process id, when somebody else holds the lock. */
  onWait?: (holder: string) => void;
};

const POLL_MS = 500;
/** Two processes may both find a dead holder and remove its file: the one whose file is left after this time has it. */
const CONFIRM_MS = 100;

/**
 * Takes the lock file at `path`, waiting while a living process on this host holds it. A dead holder's lock is removed.
 * @throws the signal's reason when it is aborted while waiting.
 */
export async function takeSetupLock(path: string, options: SetupLockOptions): Promise<SetupLock> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  for (;;) {
    options.signal.throwIfAborted();
    if (await tryCreate(path)) {
      await sleep(CONFIRM_MS, undefined, { signal: options.signal });
      if (await isOurs(path)) return { release: () => release(path) };
      continue;
    }
    const holder = await readHolder(path);
    if (holder !== undefined && isDead(holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) {
      options.onWait?.(holder?.pid.toString() ?? "unknown");
      told = true;
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}

type Holder = { pid: number; host: string };

async function tryCreate(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(`${process.pid} ${hostname()}\n`);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function isOurs(path: string): Promise<boolean> {
  const holder = await readHolder(path);
  return holder?.pid === process.pid && holder.host === hostname();
}

async function release(path: string): Promise<void> {
  if (await isOurs(path)) await rm(path, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [pid, host] = text.trim().split(" ");
  if (!pid || !host || !/^\d+$/.test(pid)) return undefined;
  return { pid: Number(pid), host };
}

function isDead(holder: Holder): boolean {
  // A cache folder may be shared by several machines; only this one's processes can be asked.
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
