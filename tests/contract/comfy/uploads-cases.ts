// POST /upload/image: any file, names that are taken, folders, refusals. POST /upload/mask: pictures alone.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { decode, encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { RECORDED } from "../../support/real-comfy/recordings.ts";
import type { Target } from "./target.ts";
import { call, PLAIN_500, upload } from "./wire.ts";

export function describeUploads(target: Target): void {
  const onDisk = (...path: string[]) => readFile(join(target.server().baseDir, ...path), "utf8");

  const sendMask = (name: string, bytes: Uint8Array, fields: Record<string, string>) =>
    upload(target.server(), { name, bytes, fields, path: "/upload/mask" });
  /** Two pixels without an alpha channel, in the input folder. */
  const original = async () => {
    const name = `${crypto.randomUUID()}.png`;
    const bytes = encode({ width: 2, height: 1, channels: 3, data: Uint8Array.of(10, 20, 30, 40, 50, 60) });
    await upload(target.server(), { name, bytes, fields: { subfolder: "originals" } });
    return { name, reference: JSON.stringify({ filename: name, subfolder: "originals", type: "input" }) };
  };

  describe("uploads", () => {
    it("POST /upload/image stores a picture in the input folder and lists it in /object_info", async () => {
      const bytes = await readFile(new URL("inputs/gradient.png", RECORDED));
      const name = `${crypto.randomUUID()}.png`;
      const answer = await upload(target.server(), { name, bytes });
      expect([answer.status, answer.json]).toEqual([200, { name, subfolder: "", type: "input" }]);
      expect(await readFile(join(target.server().baseDir, "input", name))).toEqual(bytes);
      const info = await call(target.server(), "/object_info/LoadImage");
      const choices = z.looseObject({
        LoadImage: z.looseObject({
          input: z.looseObject({
            required: z.looseObject({ image: z.tuple([z.array(z.string()), z.unknown()]) }),
          }),
        }),
      }).parse(info.json).LoadImage.input.required.image[0];
      expect(choices).toContain(name);
    });

    it("POST /upload/image takes files that are no pictures, with either route", async () => {
      const name = `${crypto.randomUUID()}.txt`;
      const answer = await upload(target.server(), { name, bytes: "plain text", path: "/api/upload/image" });
      expect([answer.status, answer.json]).toEqual([200, { name, subfolder: "", type: "input" }]);
      expect(await onDisk("input", name)).toBe("plain text");
    });

    it("POST /upload/image keeps the name for equal content, finds another for different, replaces on overwrite", async () => {
      const stem = crypto.randomUUID();
      const send = async (bytes: string, fields?: Record<string, string>) =>
        (await upload(target.server(), { name: `${stem}.txt`, bytes, ...(fields ? { fields } : {}) })).json;
      const named = (name: string) => ({ name, subfolder: "", type: "input" });
      expect(await send("one")).toEqual(named(`${stem}.txt`));
      expect(await send("one")).toEqual(named(`${stem}.txt`));
      expect(await send("two")).toEqual(named(`${stem} (1).txt`));
      expect(await send("two")).toEqual(named(`${stem} (1).txt`));
      expect(await send("three")).toEqual(named(`${stem} (2).txt`));
      expect(await send("four", { overwrite: "true" })).toEqual(named(`${stem}.txt`));
      expect(await onDisk("input", `${stem}.txt`)).toBe("four");
      expect(await onDisk("input", `${stem} (1).txt`)).toBe("two");
    });

    it("POST /upload/image makes sub-folders", async () => {
      const answer = await upload(target.server(), { name: "a.txt", bytes: "deep", fields: { subfolder: "jobs/one" } });
      expect(answer.json).toEqual({ name: "a.txt", subfolder: "jobs/one", type: "input" });
      expect(await onDisk("input", "jobs", "one", "a.txt")).toBe("deep");
    });

    it.each(["temp", "output"])("POST /upload/image with type %s stores there", async (type) => {
      const answer = await upload(target.server(), { name: "b.txt", bytes: type, fields: { type, overwrite: "1" } });
      expect(answer.json).toEqual({ name: "b.txt", subfolder: "", type });
      expect(await onDisk(type, "b.txt")).toBe(type);
    });

    it("POST /upload/image answers 400 without a body for no file and for a folder outside", async () => {
      const form = new FormData();
      form.set("type", "input");
      const none = await call(target.server(), "/upload/image", { method: "POST", body: form });
      expect([none.status, none.text]).toEqual([400, ""]);
      const outside = await upload(target.server(), { name: "c.txt", bytes: "x", fields: { subfolder: "../../up" } });
      expect([outside.status, outside.text]).toEqual([400, ""]);
      await expect(stat(join(target.server().baseDir, "..", "up"))).rejects.toThrow("ENOENT");
    });

    it("POST /upload/image answers 500 in plain text for an unknown type", async () => {
      const answer = await upload(target.server(), { name: "d.txt", bytes: "x", fields: { type: "elsewhere" } });
      expect([answer.status, answer.text]).toEqual([500, PLAIN_500]);
    });

    it("POST /upload/image answers 500 in plain text for a name with a folder that is not there", async () => {
      const answer = await upload(target.server(), { name: `${crypto.randomUUID()}/e.txt`, bytes: "x" });
      expect([answer.status, answer.text]).toEqual([500, PLAIN_500]);
    });

    it("POST /upload/mask stores the original with the mask's alpha channel", async () => {
      const { name, reference } = await original();
      const mask = encode({ width: 2, height: 1, channels: 4, data: Uint8Array.of(9, 9, 9, 0, 9, 9, 9, 77) });
      const answer = await sendMask(`masked-${name}`, mask, { subfolder: "clipspace", original_ref: reference });
      expect([answer.status, answer.json]).toEqual([
        200,
        { name: `masked-${name}`, subfolder: "clipspace", type: "input" },
      ]);
      const stored = decode(await readFile(join(target.server().baseDir, "input", "clipspace", `masked-${name}`)));
      expect([...stored.data]).toEqual([10, 20, 30, 0, 40, 50, 60, 77]);
    });

    it("POST /upload/mask stores nothing when the original is not there, and says so nowhere", async () => {
      const name = `${crypto.randomUUID()}.png`;
      const mask = encode({ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 4) });
      for (const filename of ["none.png", "../up.png"]) {
        const answer = await sendMask(name, mask, { original_ref: JSON.stringify({ filename, type: "input" }) });
        expect([answer.status, answer.json]).toEqual([200, { name, subfolder: "", type: "input" }]);
      }
      await expect(stat(join(target.server().baseDir, "input", name))).rejects.toThrow("ENOENT");
    });

    it("POST /upload/mask answers 500 in plain text without an original, and for one of another size", async () => {
      const mask = encode({ width: 3, height: 3, channels: 4, data: new Uint8Array(36) });
      const name = `${crypto.randomUUID()}.png`;
      expect((await sendMask(name, mask, {})).text).toBe(PLAIN_500);
      const { reference } = await original();
      expect((await sendMask(name, mask, { original_ref: reference })).text).toBe(PLAIN_500);
    });

    it("POST /upload/image answers 413 over the limit and keeps nothing", async () => {
      const name = `${crypto.randomUUID()}.bin`;
      const answer = await upload(target.server(), { name, bytes: "x".repeat(1_100_000) });
      expect([answer.status, answer.text]).toEqual([413, "Maximum request body size 1048576 exceeded."]);
      await expect(stat(join(target.server().baseDir, "input", name))).rejects.toThrow("ENOENT");
    });
  });
}
