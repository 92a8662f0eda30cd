// GET /object_info, /system_stats, /features, /models, /embeddings, and the answers to wrong paths and methods.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { interfaceOnly, readRecorded } from "../../support/real-comfy/recordings.ts";
import type { Target } from "./target.ts";
import { call } from "./wire.ts";

/** The classes that the stand-in executes. */
export const EXECUTED_CLASSES = [
  ...["EmptyImage", "ImageInvert", "ImageFlip", "ImageCrop", "ImageFromBatch", "ColorTransfer", "LoadImage"],
  ...["ImageBlur", "ImageScale", "GetImageSize"],
  ...["SaveImage", "PreviewImage", "PrimitiveString", "StringConcatenate", "PreviewAny", "SaveText"],
];

const bodies = z.record(z.string(), z.record(z.string(), z.unknown()));

export function describeIntrospection(target: Target): void {
  describe("introspection", () => {
    it.each(EXECUTED_CLASSES)("GET /object_info/%s answers the recorded interface", async (name) => {
      const recorded = (await readRecorded("object-info.json")).classes[name];
      const answer = await call(target.server(), `/object_info/${name}`);
      expect(answer.status).toBe(200);
      expect(Object.keys(bodies.parse(answer.json))).toEqual([name]);
      expect(interfaceOnly(bodies.parse(answer.json)[name])).toEqual(recorded);
    });

    it("GET /object_info/{class} answers 200 and an empty object for an unknown class", async () => {
      const answer = await call(target.server(), "/object_info/NoSuchNode");
      expect([answer.status, answer.json]).toEqual([200, {}]);
    });

    it("GET /object_info answers the body of every class at once", async () => {
      const all = bodies.parse((await call(target.server(), "/object_info")).json);
      expect(Object.keys(all)).toEqual(expect.arrayContaining(EXECUTED_CLASSES));
      const single = bodies.parse((await call(target.server(), "/object_info/ColorTransfer")).json);
      expect(all.ColorTransfer).toEqual(single.ColorTransfer);
    });

    it("GET /system_stats tells the version, the command line and the devices", async () => {
      const { status, json } = await call(target.server(), "/system_stats");
      const { system, devices } = z.looseObject({
        system: z.looseObject({
          os: z.string(),
          ram_total: z.number().positive(),
          ram_free: z.number().positive(),
          comfyui_version: z.string().regex(/^\d+\.\d+\.\d+$/),
          python_version: z.string(),
          pytorch_version: z.string(),
          embedded_python: z.boolean(),
          argv: z.array(z.string()),
        }),
        devices: z.array(z.looseObject({
          name: z.string(),
          type: z.string(),
          index: z.number().nullable(),
          vram_total: z.number(),
          vram_free: z.number(),
          torch_vram_total: z.number(),
          torch_vram_free: z.number(),
        })).min(1),
      }).parse(json);
      expect(status).toBe(200);
      expect(system.argv[0]).toMatch(/main\.(py|ts)$/);
      expect(system.argv).toEqual(expect.arrayContaining(["--base-directory", target.server().baseDir]));
      expect(devices[0]).toMatchObject({ name: "cpu", type: "cpu", index: null });
    });

    it("GET /features tells what can be negotiated and the upload limit in bytes", async () => {
      const { status, json } = await call(target.server(), "/features");
      expect(status).toBe(200);
      expect(json).toMatchObject({ supports_preview_metadata: true, max_upload_size: 1024 * 1024, assets: false });
    });

    it("GET /models lists folders, GET /models/{folder} files", async () => {
      const folders = await call(target.server(), "/models");
      expect(z.array(z.string()).parse(folders.json)).toEqual(
        expect.arrayContaining(["checkpoints", "diffusion_models", "loras", "vae"]),
      );
      const files = await call(target.server(), "/models/loras");
      expect([files.status, files.json]).toEqual([200, []]);
    });

    it("GET /models/{folder} answers 404 without a body for an unknown folder", async () => {
      const answer = await call(target.server(), "/models/no-such-folder");
      expect([answer.status, answer.text]).toEqual([404, ""]);
    });

    it("GET /embeddings answers a list", async () => {
      expect((await call(target.server(), "/embeddings")).json).toEqual([]);
    });

    it.each(["/prompt", "/queue", "/history", "/system_stats", "/features", "/models", "/object_info/SaveImage"])(
      "GET /api%s answers as without the prefix",
      async (path) => {
        const [plain, prefixed] = [await call(target.server(), path), await call(target.server(), `/api${path}`)];
        expect(prefixed.status).toBe(200);
        const shape = (json: unknown) => Object.keys(z.record(z.string(), z.unknown()).catch({}).parse(json));
        expect(shape(prefixed.json)).toEqual(shape(plain.json));
      },
    );

    it("GET of an unknown path answers 404", async () => {
      expect((await call(target.server(), "/health")).status).toBe(404);
      expect((await call(target.server(), "/api/no-such-route")).status).toBe(404);
    });

    it("every answer has a content security policy under --disable-api-nodes", async () => {
      for (const path of ["/prompt", "/object_info/SaveImage", "/view?filename=none.png"]) {
        const { headers } = await call(target.server(), path);
        expect(headers.get("content-security-policy")).toContain("default-src 'self'");
      }
    });

    it("DELETE /prompt answers 405", async () => {
      expect((await call(target.server(), "/prompt", { method: "DELETE" })).status).toBe(405);
    });
  });
}
