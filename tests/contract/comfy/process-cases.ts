// The process: how it ends by signal, and what it says when it cannot start. Each case starts one of its own.
import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { imageGraph, slowGraph } from "./graphs.ts";
import { startTarget, type Target } from "./target.ts";
import { call, getJob, PLAIN_500, post, run, submit, waitForStatus, waitUntil } from "./wire.ts";

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

    it(
      "prompts of one number and one id are queued with 500, and end the worker for ever while HTTP goes on",
      async () => {
        const server = await startTarget();
        try {
          const running = await submit(server, slowGraph());
          await waitForStatus(server, running, "in_progress");
          const twin = { prompt_id: crypto.randomUUID(), number: 5 };
          const answers = [];
          for (let sent = 0; sent < 3; sent += 1) {
            answers.push(
              await post(server, "/prompt", { prompt: imageGraph(), ...twin }),
            );
          }
          expect(answers.map(({ status }) => status)).toEqual([200, 500, 500]);
          expect(answers.at(-1)?.text).toBe(PLAIN_500);
          await post(server, "/interrupt", { prompt_id: running });
          await waitUntil(
            "the log tells of the worker's end",
            async () => /Exception in thread .*prompt_worker/.test(await server.log()) || undefined,
          );
          // Who does not own the process learns of it from the log that ComfyUI shows.
          const shown = z.looseObject({ entries: z.array(z.looseObject({ m: z.string() })) })
            .parse((await call(server, "/internal/logs/raw")).json).entries.map(({ m }) => m).join("");
          expect(shown).toMatch(/^Exception in thread Thread-\d+ \(prompt_worker\)/m);
          const accepted = await submit(server, imageGraph());
          expect((await getJob(server, accepted))?.status).toBe("pending");
          expect((await call(server, "/queue")).json).toMatchObject({ queue_running: [] });
        } finally {
          await server.stop();
        }
      },
      TIMEOUT_MS,
    );

    it("a new process on the same folders knows nothing of the jobs of the last", async () => {
      const first = await startTarget();
      const folders = ["--base-directory", first.baseDir, "--temp-directory", first.baseDir];
      const second = await startTarget({ args: folders }).catch(async (error: unknown) => {
        await first.stop();
        throw error;
      });
      try {
        const { id } = await run(first, imageGraph());
        expect(await getJob(second, id)).toBeUndefined();
        expect((await call(second, `/history/${id}`)).json).toEqual({});
      } finally {
        await second.stop();
        await first.stop();
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

    it("a start that fails empties the temp folder that it shares with a living one", async () => {
      const { port, baseDir } = target.server();
      await mkdir(join(baseDir, "temp"), { recursive: true });
      await writeFile(join(baseDir, "temp", "preview.png"), "of the living one");
      await expect(startTarget({ port, args: ["--temp-directory", baseDir] })).rejects.toThrow("exit code 1");
      await expect(access(join(baseDir, "temp", "preview.png"))).rejects.toThrow("ENOENT");
    }, TIMEOUT_MS);

    it("says where it listens only after it has said what it loads", async () => {
      const log = await target.server().log();
      const lines = ["Python version: ", "ComfyUI version: ", "[Prompt Server] web root: ", "Starting server"]
        .concat(`To see the GUI go to: http://127.0.0.1:${target.server().port}`);
      const places = lines.map((line) => log.indexOf(line));
      expect(places).not.toContain(-1);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    });

    it.each([
      ["memory modes that exclude each other", ["--lowvram"]],
      ["a directory of users that is not there", ["--user-directory", "/no/such/directory"]],
      ["a port that is no number", ["--port", "many"]],
    ])("%s end it with code 2", async (_what, args) => {
      await expect(startTarget({ args })).rejects.toThrow("ended with exit code 2");
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
