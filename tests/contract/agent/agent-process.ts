// Starts the agent as a process, with the stand-in as its ComfyUI, and talks to it as an edge does.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink } from "@trpc/client";
import { EventSource } from "eventsource";
import superjson from "superjson";
import type { AgentRouter } from "../../../contracts/agent/router.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DEADLINE_MS = 15_000;
export const SECRET = "a secret of the contract tests";

/** One agent process on a state directory; `start` may be called again after an end, on the same directory. */
export class AgentProcess implements AsyncDisposable {
  readonly stateDir = mkdtempSync(join(tmpdir(), "cf-agent-"));
  readonly #env: Record<string, string>;
  #child: ChildProcess | null = null;
  #lines = "";
  url = "";

  constructor(env: Record<string, string> = {}) {
    this.#env = env;
  }

  get log(): string {
    return this.#lines;
  }

  /** -1 before the start. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get client() {
    return createClient(this.url, SECRET);
  }

  /** Resolves once it listens; ComfyUI may still be starting. */
  async start(): Promise<this> {
    this.#lines = "";
    const child = spawn(process.execPath, [join(ROOT, "agent/main.ts")], {
      env: {
        PATH: process.env.PATH ?? "",
        AGENT_SECRET: SECRET,
        AGENT_LISTEN: "127.0.0.1:0",
        AGENT_STATE_DIR: this.stateDir,
        COMFYUI_COMMAND: JSON.stringify([process.execPath, join(ROOT, "fake-comfy/main.ts")]),
        COMFYUI_PORT: "0",
        COMFYUI_BACKOFF_MS: "50",
        ...this.#env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#lines += text));
    const match = await until(
      () => {
        if (child.exitCode !== null) throw new Error(`The agent ended with ${child.exitCode}: ${this.#lines}`);
        return /"msg":"agent listening","address":"([^"]+)"/.exec(this.#lines);
      },
      () => this.#lines,
    );
    this.url = match[1] ?? "";
    return this;
  }

  /** Waits for a ready slot. */
  async ready(): Promise<this> {
    await until(async () => {
      const { capability } = await this.client.pod.describe.query();
      if (capability.objectInfoSha256 === null) return null;
      const health = await this.fetchHealth("/readyz");
      return health.status === 200 ? true : null;
    }, () => this.#lines);
    return this;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${SECRET}`);
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  /** Over the unix socket. */
  async fetchHealth(path: string): Promise<{ status: number; body: string }> {
    const { request } = await import("node:http");
    return await new Promise((resolve, reject) => {
      const call = request({ socketPath: join(this.stateDir, "health.sock"), path }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text)).on("end", () => {
          resolve({ status: response.statusCode ?? 0, body });
        });
      });
      call.on("error", reject).end();
    });
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return 0;
    const startedMs = performance.now();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
    return performance.now() - startedMs;
  }

  /** Process id of the ComfyUI that lives, if one does. */
  comfyPid(): number | null {
    return this.#comfyPids().at(-1) ?? null;
  }

  /** A new process in the place of `before`, with a ready slot. */
  async replaced(before: number | null): Promise<void> {
    const isNew = () => {
      const pid = this.comfyPid();
      return pid !== null && pid !== before ? true : null;
    };
    await until(isNew, () => this.#lines);
    await this.ready();
  }

  #comfyPids(): number[] {
    const database = new DatabaseSync(join(this.stateDir, "generations.db"), { readOnly: true });
    try {
      const sql = "select pid from comfy_generation where ended_at_ms is null and pid is not null order by rowid";
      return database.prepare(sql).all().map((row) => Number(row.pid));
    } finally {
      database.close();
    }
  }

  /** Makes the journal say of every attempt what it says when the agent dies between the end of a run and its collection. */
  uncollect(): void {
    const database = new DatabaseSync(join(this.stateDir, "journal.db"));
    database.exec("update attempt set state = 'collecting', outputs = '[]', finished_at_ms = null");
    database.close();
  }

  /** How many prompts ComfyUI has taken, over all its lives. */
  promptsTaken(): number {
    return readFileSync(join(this.stateDir, "comfy/comfyui.log"), "utf8").split("got prompt").length - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    for (const pid of this.#comfyPids()) await killAndWait(pid);
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

export function createClient(url: string, secret: string) {
  const authorization = `Bearer ${secret}`;
  return createTRPCClient<AgentRouter>({
    links: [splitLink({
      condition: (operation) => operation.type === "subscription",
      true: httpSubscriptionLink({
        url: `${url}/trpc`,
        transformer: superjson,
        EventSource,
        eventSourceOptions: () => ({
          fetch: (input, init) => fetch(input, { ...init, headers: { ...init?.headers, authorization } }),
        }),
      }),
      false: httpLink({ url: `${url}/trpc`, transformer: superjson, headers: { authorization } }),
    })],
  });
}

/** @param pid Null is refused: a kill of process 0 would be one of this whole process group. */
export async function killAndWait(pid: number | null): Promise<void> {
  if (pid === null || pid < 2) throw new Error(`Cannot kill process ${pid}`);
  try {
    process.kill(pid, "SIGKILL");
    for (let tries = 0; tries < 200 && !isZombie(pid); tries++) {
      process.kill(pid, 0);
      await sleep(10);
    }
  } catch {
    // It is gone.
  }
}

/** Dead, but its parent was killed too and nobody has asked for its exit code. */
function isZombie(pid: number): boolean {
  return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** Looks until there is something, at most {@link DEADLINE_MS}. */
export async function until<T>(look: () => T | null | Promise<T | null>, context: () => string): Promise<T> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (performance.now() < deadlineMs) {
    const found = await look();
    if (found !== null) return found;
    await sleep(20);
  }
  throw new Error(`Nothing came of it within ${DEADLINE_MS} ms:\n${context()}`);
}
