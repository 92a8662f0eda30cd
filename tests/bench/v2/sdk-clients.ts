/** `run()` of the official SDKs, unmodified, and the bytes of the first output. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ComfyError } from "@comfyorg/sdk";
import { z } from "zod";
import { ensureEnvironment } from "../../support/python/environment.ts";
import { connectSdk, type SdkTarget } from "../../support/sdk/connect.ts";
import type { JobOutcome, V2Client } from "./client.ts";

const RUNNER = fileURLToPath(new URL("./sdk_runner.py", import.meta.url));
/** A job takes milliseconds; one that is not done by then is lost. */
const DEADLINE_MS = 60_000;

export function connectTypeScript(target: SdkTarget): V2Client {
  const sdk = connectSdk(target);
  return {
    async run(graph) {
      const startedMs = performance.now();
      const wallMs = () => performance.now() - startedMs;
      try {
        const job = await sdk.run(sdk.workflows.fromJson(graph), { signal: AbortSignal.timeout(DEADLINE_MS) });
        const bytes = await job.outputs[0]?.toBytes();
        return { wallMs: wallMs(), state: job.status, sizeBytes: bytes?.byteLength ?? 0 };
      } catch (error) {
        if (error instanceof ComfyError) return { wallMs: wallMs(), state: error.message, sizeBytes: 0 };
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

const Line = z.strictObject({ wallMs: z.number(), state: z.string(), sizeBytes: z.number() });

/** One process for all jobs, which takes the time itself. */
export async function connectPython({ baseUrl, apiKey }: SdkTarget): Promise<V2Client> {
  const { python } = await ensureEnvironment("sdk");
  const { PATH, HOME } = process.env;
  const child = spawn(python, [RUNNER], {
    env: { PATH, HOME, PYTHONDONTWRITEBYTECODE: "1", COMFY_BASE_URL: baseUrl, COMFY_API_KEY: apiKey },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(graph): Promise<JobOutcome> {
      child.stdin.write(`${JSON.stringify(graph)}\n`);
      const next = await lines.next();
      if (next.done) throw new Error("Cannot measure: the Python SDK's process has ended");
      return Line.parse(JSON.parse(next.value));
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
