// Starts the stand-in as a process on free ports, with a control port, and ends it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DEADLINE_MS = 10_000;

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running stand-in. */
export interface StandIn extends AsyncDisposable {
  readonly url: string;
  readonly controlUrl: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Arms a fault over the control port; the status of the answer. */
  readonly arm: (name: string, arg?: string) => Promise<number>;
  readonly clearFaults: () => Promise<void>;
}

/** Runs the command line to its end. */
export async function runToEnd(args: readonly string[]): Promise<Ended & { output: string }> {
  const { child, output, ended, baseDir } = launch(args);
  try {
    const end = await within(ended, "the process to end");
    return { ...end, output: output() };
  } finally {
    child.kill("SIGKILL");
    rmSync(baseDir, { recursive: true, force: true });
  }
}

/** Starts the stand-in and waits for its ports. */
export async function startStandIn(args: readonly string[] = []): Promise<StandIn> {
  const { child, output, ended, baseDir } = launch(["--port", "0", "--control-port", "0", ...args]);
  const url = await lineOf(output, /To see the GUI go to: (http:\S+)/);
  const controlUrl = await lineOf(output, /fake-comfy control: (http:\S+)/);
  return {
    ...{ url, controlUrl, child, ended },
    async arm(name, arg) {
      const body = JSON.stringify({ name, arg: arg ?? null });
      return (await fetch(`${controlUrl}/faults`, { method: "POST", body })).status;
    },
    async clearFaults() {
      await fetch(`${controlUrl}/faults`, { method: "DELETE" });
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(baseDir, { recursive: true, force: true });
    },
  };
}

/** A connected client that keeps the messages it hears. */
export async function connect(standIn: StandIn, clientId: string) {
  const socket = new WebSocket(`${standIn.url.replace("http", "ws")}/ws?clientId=${clientId}`);
  const messages: { type: string; data: Record<string, unknown> }[] = [];
  const frames: Buffer[] = [];
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.on("message", (payload: Buffer, isBinary) => {
    if (isBinary) frames.push(payload);
    else messages.push(JSON.parse(payload.toString()));
  });
  await within(new Promise((resolve) => socket.once("open", resolve)), "the socket to open");
  return { socket, messages, frames, closed };
}

/** Posts a graph and returns its prompt id. */
export async function submit(standIn: StandIn, prompt: object, clientId = "test"): Promise<string> {
  const body = JSON.stringify({ prompt, client_id: clientId });
  const answer = await fetch(`${standIn.url}/prompt`, {
    method: "POST",
    body,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  return ((await answer.json()) as { prompt_id: string }).prompt_id;
}

/** The job's status once it is one of the wanted. */
export async function waitForStatus(standIn: StandIn, id: string, wanted: readonly string[]): Promise<string> {
  return await until(async () => {
    const answer = await fetch(`${standIn.url}/api/jobs/${id}`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const { status } = await answer.json() as { status: string };
    return wanted.includes(status) ? status : null;
  }, `job ${id} to be ${wanted.join(" or ")}`);
}

/** Rejects when the promise takes too long. */
export async function within<T>(promise: Promise<T>, what: string, limitMs = DEADLINE_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Cannot wait any longer for ${what}`)), limitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until there is an answer. */
export async function until<T>(ask: () => T | null | Promise<T | null>, what: string): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Cannot wait any longer for ${what}`);
}

function launch(args: readonly string[]) {
  const baseDir = mkdtempSync(join(tmpdir(), "stand-in-"));
  const own = ["--base-directory", baseDir, "--disable-all-custom-nodes"];
  const child = spawn(process.execPath, ["fake-comfy/main.ts", ...own, ...args], { cwd: ROOT });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => text += chunk.toString());
  child.stderr.on("data", (chunk: Buffer) => text += chunk.toString());
  const ended = new Promise<Ended>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  return { child, ended, baseDir, output: () => text };
}

function lineOf(output: () => string, pattern: RegExp): Promise<string> {
  return until(() => pattern.exec(output())?.[1] ?? null, `a line like ${pattern.source}`);
}
