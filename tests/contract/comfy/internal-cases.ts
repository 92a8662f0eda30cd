// Routes for the page alone: logs and their events, folders, model lists, and what is left.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { imageGraph } from "./graphs.ts";
import { capture } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import { call, PLAIN_500, run, settle, upload } from "./wire.ts";

const entries = z.array(z.strictObject({ t: z.string(), m: z.string() }));

export function describeInternal(target: Target): void {
  const subscribe = (body: unknown) =>
    call(target.server(), "/internal/logs/subscribe", { method: "PATCH", body: JSON.stringify(body) });

  describe("internal", () => {
    it("GET /internal/logs/raw and /internal/logs hold the last writes, with their colours", async () => {
      await run(target.server(), imageGraph());
      const raw = z.strictObject({ entries, size: z.strictObject({ cols: z.number(), rows: z.number() }) })
        .parse((await call(target.server(), "/internal/logs/raw")).json);
      expect(raw.entries.length).toBeLessThanOrEqual(300);
      const last = raw.entries.findLast(({ m }) => m.includes("Prompt executed in"));
      expect(last?.m).toMatch(
        /^\u001b\[32m\[INFO\]\u001b\[0m \u001b\[32mPrompt executed in [\d.]+ seconds\u001b\[0m\n$/,
      );
      expect(last?.t).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
      const whole = z.string().parse((await call(target.server(), "/internal/logs")).json);
      expect(whole).toContain(`${last?.t} - ${last?.m}`);
    });

    it("PATCH /internal/logs/subscribe sends logs to that client, until it is taken back", async () => {
      await settle(target.server());
      const client = await capture(target.server());
      const on = await subscribe({ clientId: client.clientId, enabled: true });
      expect([on.status, on.text]).toEqual([200, ""]);
      await run(target.server(), imageGraph());
      const event = await client.waitFor(
        ({ type, data }) => type === "logs" && JSON.stringify(data).includes("got prompt"),
        "the log of a submit",
      );
      expect(Object.keys(event.data).toSorted()).toEqual(["entries", "size"]);
      entries.parse(event.data.entries);
      expect((await subscribe({ clientId: client.clientId, enabled: false })).status).toBe(200);
      const id = (await run(target.server(), imageGraph(), { client_id: client.clientId })).id;
      await client.waitForEnd(id);
      const seen = client.frames.length;
      await run(target.server(), imageGraph(), { client_id: client.clientId });
      expect(client.frames.slice(seen).filter(({ type }) => type === "logs")).toEqual([]);
      await client.close();
    });

    it("PATCH /internal/logs/subscribe answers 500 without both fields", async () => {
      expect((await subscribe({ clientId: "somebody" })).text).toBe(PLAIN_500);
    });

    it("GET /internal/files/{type} lists the top of a folder", async () => {
      const name = `${crypto.randomUUID()}.txt`;
      await upload(target.server(), { name, bytes: "x" });
      await upload(target.server(), { name: `deep-${name}`, bytes: "x", fields: { subfolder: "deep" } });
      const files = z.array(z.string()).parse((await call(target.server(), "/internal/files/input")).json);
      expect(files).toContain(`${name} [input]`);
      expect(files).not.toContain(`deep-${name} [input]`);
      const unknown = await call(target.server(), "/internal/files/elsewhere");
      expect([unknown.status, unknown.json]).toEqual([400, { error: "Invalid directory type" }]);
    });

    it("GET /internal/folder_paths tells where models lie", async () => {
      const paths = z.record(z.string(), z.array(z.string())).parse(
        (await call(target.server(), "/internal/folder_paths")).json,
      );
      expect(paths.loras).toContain(join(target.server().baseDir, "models", "loras"));
    });

    it("GET /api/internal is no route", async () => {
      expect((await call(target.server(), "/api/internal/logs")).status).toBe(404);
    });
  });

  describe("models", () => {
    it("GET /experiment/models lists folders with their places and endings", async () => {
      const { json } = await call(target.server(), "/experiment/models");
      const folders = z.array(z.strictObject({
        name: z.string(),
        folders: z.array(z.string()),
        extensions: z.array(z.string()),
      })).parse(json);
      const loras = folders.find(({ name }) => name === "loras");
      expect(loras?.folders).toContain(join(target.server().baseDir, "models", "loras"));
      expect(loras?.extensions).toEqual([".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"]);
      expect(folders.map(({ name }) => name)).not.toContain("custom_nodes");
    });

    it("a model that is put there is listed, with its size and the metadata of its header", async () => {
      const folder = join(target.server().baseDir, "models", "style_models");
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "made-up.safetensors"), safetensors({ __metadata__: { format: "pt" } }));
      await writeFile(join(folder, "made-up.part"), "not yet whole");
      expect((await call(target.server(), "/models/style_models")).json).toEqual(["made-up.safetensors"]);
      const detailed = z.array(z.record(z.string(), z.unknown())).parse(
        (await call(target.server(), "/experiment/models/style_models")).json,
      );
      expect(detailed).toEqual([{
        name: "made-up.safetensors",
        pathIndex: 0,
        modified: expect.any(Number),
        created: expect.any(Number),
        size: safetensors({ __metadata__: { format: "pt" } }).length,
      }]);
      const metadata = await call(target.server(), "/view_metadata/style_models?filename=made-up.safetensors");
      expect([metadata.status, metadata.json]).toEqual([200, { format: "pt" }]);
    });

    it.each([
      "/experiment/models/no-such-folder",
      "/view_metadata/style_models",
      "/view_metadata/style_models?filename=none.safetensors",
      "/view_metadata/style_models?filename=made-up.part",
      "/view_metadata/no-such-folder?filename=made-up.safetensors",
    ])("GET %s answers 404 without a body", async (path) => {
      const answer = await call(target.server(), path);
      expect([answer.status, answer.text]).toEqual([404, ""]);
    });
  });

  describe("other routes", () => {
    it("GET / answers the page of --front-end-root, which no cache may keep", async () => {
      const answer = await call(target.server(), "/");
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
      expect(answer.text).toContain("<!doctype html>");
      expect(answer.headers.get("cache-control")).toContain("no-store");
    });

    it.each(["/extensions", "/workflow_templates", "/i18n", "/node_replacements", "/global_subgraphs"])(
      "GET %s answers JSON",
      async (path) => {
        const answer = await call(target.server(), path);
        expect([answer.status, typeof answer.json]).toEqual([200, "object"]);
      },
    );

    it("GET /global_subgraphs/{id} answers null for an unknown one", async () => {
      expect((await call(target.server(), "/global_subgraphs/none")).json).toBeNull();
    });

    it("GET /ws without an upgrade answers 400", async () => {
      expect((await call(target.server(), "/ws")).status).toBe(400);
    });

    it.each(["/health", "/api/history_v2", "/api/tasks", "/api/workflows", "/api/billing/balance"])(
      "GET %s, which only the cloud has, answers 404",
      async (path) => {
        expect((await call(target.server(), path)).status).toBe(404);
      },
    );

    it.each([["POST", "/queue"], ["POST", "/history"], ["POST", "/free"]])(
      "%s %s answers 500 in plain text for broken JSON",
      async (method, path) => {
        const answer = await call(target.server(), path, { method, body: "{" });
        expect([answer.status, answer.text]).toEqual([500, PLAIN_500]);
      },
    );

    it.each(["/history?max_items=x", "/history?offset=x"])("GET %s answers 500 in plain text", async (path) => {
      const answer = await call(target.server(), path);
      expect([answer.status, answer.text]).toEqual([500, PLAIN_500]);
    });

    it.each([["PUT", "/queue"], ["POST", "/system_stats"], ["PATCH", "/prompt"]])(
      "%s %s answers 405",
      async (method, path) => {
        const answer = await call(target.server(), path, { method });
        expect([answer.status, answer.text]).toEqual([405, "405: Method Not Allowed"]);
      },
    );
  });
}

/** A file of the format with this header and no tensors. */
function safetensors(header: object): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}
