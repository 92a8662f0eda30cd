// The process: how it ends by signal, and what it says when it cannot start. Each case starts one of its own.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { imageGraph, slowGraph } from "./graphs.ts";
import { startTarget, type Target } from "./target.ts";
import { run, submit, waitForStatus } from "./wire.ts";

const TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 15_000;

export function describeProcess(target: Target): void {
  describe("process", () => {
    it("SIGINT ends an idle one with code 0 and empties the temp folder", async () => {
      const server = await startTarget();
      try {
        const graph = imageGraph();
        await run(server, { "1": graph["1"], "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } } });
        expect(await readdir(join(server.baseDir, "temp"))).toHaveLength(1);
        const ended = endOf(server);
        server.child.kill("SIGINT");
        expect(await ended).toEqual({ code: 0, signal: null });
        expect(await server.log()).toContain("Stopped server");
        await expect(access(join(server.baseDir, "temp"))).rejects.toThrow("ENOENT");
      } finally {
        await server.stop();
      }
    }, TIMEOUT_MS);

    it("SIGINT ends one in the middle of a job too, after the same clean-up", async () => {
      const server = await startTarget();
      try {
        await waitForStatus(server, await submit(server, slowGraph()), "in_progress");
        const ended = endOf(server);
        server.child.kill("SIGINT");
        // With torch at work in another thread the interpreter may abort at its very end (seen on v0.30.0): that is an
        // ordinary stop, not a crash.
        expect([{ code: 0, signal: null }, { code: null, signal: "SIGABRT" }]).toContainEqual(await ended);
        expect(await server.log()).toContain("Stopped server");
        await expect(access(join(server.baseDir, "temp"))).rejects.toThrow("ENOENT");
      } finally {
        await server.stop();
      }
    }, TIMEOUT_MS);

    it("SIGTERM ends it at once, by the signal", async () => {
      const server = await startTarget();
      try {
        const ended = endOf(server);
        server.child.kill("SIGTERM");
        expect(await ended).toEqual({ code: null, signal: "SIGTERM" });
      } finally {
        await server.stop();
      }
    }, TIMEOUT_MS);

    it("a port in use ends it with code 1 and a line that says so", async () => {
      const { port } = target.server();
      await expect(startTarget({ port })).rejects.toThrow(
        expect.objectContaining({
          message: expect.stringMatching(
            new RegExp(`ended with exit code 1\\n[^]*Port ${port} is already in use on address 127\\.0\\.0\\.1`),
          ),
        }),
      );
    }, TIMEOUT_MS);

    it("an unknown flag ends it with code 2", async () => {
      await expect(startTarget({ args: ["--no-such-flag"] })).rejects.toThrow("ended with exit code 2");
    }, TIMEOUT_MS);
  });
}

type End = { code: number | null; signal: NodeJS.Signals | null };

function endOf(server: StartedComfy): Promise<End> {
  const ended = new Promise<End>((resolve) => {
    server.child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const late = sleep(END_TIMEOUT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`Cannot see the process end: not within ${END_TIMEOUT_MS} ms`);
  });
  return Promise.race([ended, late]);
}
