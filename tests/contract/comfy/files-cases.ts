// GET /view: the bytes of a file, parts of it, and every way in which a file is not given.
import { decode, encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { imageGraph } from "./graphs.ts";
import { pictureInfo } from "./picture-info.ts";
import type { Target } from "./target.ts";
import { bytesAt, call, type FileEntry, filesOf, PLAIN_500, run, upload, viewBytes, viewPath } from "./wire.ts";

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function describeFiles(target: Target): void {
  const saved = async (): Promise<FileEntry> => {
    const [file] = filesOf(await run(target.server(), imageGraph({ prefix: `files/${crypto.randomUUID()}` })), "2");
    if (file === undefined) throw new Error("Cannot test /view: nothing was saved");
    return file;
  };
  const uploaded = async (name: string, bytes: string): Promise<FileEntry> => {
    await upload(target.server(), { name, bytes, fields: { overwrite: "true", subfolder: "files" } });
    return { filename: name, subfolder: "files", type: "input" };
  };

  /** A picture in which every pixel has a colour and an opacity of its own. */
  const picture = async (width: number, height: number): Promise<FileEntry> => {
    const data = Uint8Array.from({ length: width * height * 4 }, (_, index) => (index * 7 + (index >> 3)) % 256);
    const bytes = encode({ width, height, channels: 4, data });
    const filename = `${crypto.randomUUID()}.png`;
    await upload(target.server(), { name: filename, bytes, fields: { subfolder: "files" } });
    return { filename, subfolder: "files", type: "input" };
  };

  describe("GET /view", () => {
    it("answers the bytes with type, tag, date and name", async () => {
      const file = await saved();
      const answer = await call(target.server(), viewPath(file));
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("image/png");
      expect(answer.headers.get("content-disposition")).toBe(`filename="${file.filename}"`);
      expect(answer.headers.get("accept-ranges")).toBe("bytes");
      expect(answer.headers.get("etag")).toMatch(/^"[^"]+"$/);
      expect(Date.parse(answer.headers.get("last-modified") ?? "")).not.toBeNaN();
      const bytes = await viewBytes(target.server(), file);
      expect([...bytes.subarray(0, 8)]).toEqual(PNG_SIGNATURE);
      expect(answer.headers.get("content-length")).toBe(String(bytes.length));
      expect((await call(target.server(), `/api${viewPath(file)}`)).status).toBe(200);
    });

    it("answers 304 for a tag or a date that is still true", async () => {
      const path = viewPath(await saved());
      const { headers } = await call(target.server(), path);
      const byTag = await call(target.server(), path, { headers: { "if-none-match": headers.get("etag") ?? "" } });
      expect([byTag.status, byTag.text]).toEqual([304, ""]);
      const date = headers.get("last-modified") ?? "";
      expect((await call(target.server(), path, { headers: { "if-modified-since": date } })).status).toBe(304);
    });

    it.each([
      { range: "bytes=2-5", status: 206, text: "2345", contentRange: "bytes 2-5/10" },
      { range: "bytes=7-", status: 206, text: "789", contentRange: "bytes 7-9/10" },
      { range: "bytes=-3", status: 206, text: "789", contentRange: "bytes 7-9/10" },
      { range: "bytes=8-99", status: 206, text: "89", contentRange: "bytes 8-9/10" },
      { range: "bytes=10-", status: 416, text: "", contentRange: "bytes */10" },
    ])("answers $range with $status", async ({ range, status, text, contentRange }) => {
      const path = viewPath(await uploaded("digits.txt", "0123456789"));
      const answer = await call(target.server(), path, { headers: { range } });
      expect([answer.status, answer.headers.get("content-range")]).toEqual([status, contentRange]);
      if (status === 206) expect(answer.text).toBe(text);
    });

    it("answers HEAD with the length and no body", async () => {
      const path = viewPath(await uploaded("digits.txt", "0123456789"));
      const answer = await call(target.server(), path, { method: "HEAD" });
      expect([answer.status, answer.headers.get("content-length"), answer.text]).toEqual([200, "10", ""]);
    });

    it.each([
      ["webp;80", undefined, { type: "image/webp", width: 37, height: 21, channels: 4 }],
      ["webp", "rgb", { type: "image/webp", width: 37, height: 21, channels: 3 }],
      ["jpeg;90", undefined, { type: "image/jpeg", width: 37, height: 21, channels: 3 }],
      ["jpeg", "rgba", { type: "image/webp", width: 37, height: 21, channels: 4 }],
      ["gif", undefined, { type: "image/webp", width: 37, height: 21, channels: 4 }],
    ])("answers preview=%s with channel %s as a smaller file of %j", async (preview, channel, expected) => {
      const file = await picture(37, 21);
      const query = new URLSearchParams({ preview, ...(channel === undefined ? {} : { channel }) });
      const path = `${viewPath(file)}&${query}`;
      const answer = await call(target.server(), path);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, expected.type]);
      expect(answer.headers.get("content-disposition")).toBe(`filename="${file.filename}"`);
      expect(pictureInfo(await bytesAt(target.server(), path))).toEqual(expected);
    });

    it("answers 500 in plain text to preview= of what is no picture", async () => {
      const path = viewPath(await uploaded("digits.txt", "0123456789"));
      expect((await call(target.server(), `${path}&preview=webp`)).text).toBe(PLAIN_500);
    });

    it("channel=rgb leaves the alpha channel out, channel=a shows it alone, channel=rgba is the file", async () => {
      const path = viewPath(await picture(5, 3));
      const original = decode(await bytesAt(target.server(), path));
      const pixel = (data: ArrayLike<number>, at: number, channels: number) =>
        Array.from({ length: channels }, (_, channel) => data[at * channels + channel]);
      const rgb = decode(await bytesAt(target.server(), `${path}&channel=rgb`));
      const alpha = decode(await bytesAt(target.server(), `${path}&channel=a`));
      expect([rgb.channels, alpha.channels]).toEqual([3, 4]);
      for (let at = 0; at < 15; at += 1) {
        const [red, green, blue, opacity] = pixel(original.data, at, 4);
        expect(pixel(rgb.data, at, 3)).toEqual([red, green, blue]);
        expect(pixel(alpha.data, at, 4)).toEqual([0, 0, 0, opacity]);
      }
      const whole = await bytesAt(target.server(), `${path}&channel=rgba`);
      expect(whole).toEqual(await bytesAt(target.server(), path));
    });

    it("reduces the file name to its last part, and reads the folder from a mark in it", async () => {
      const path = "/view?type=input&subfolder=files&filename=";
      await uploaded("digits.txt", "0123456789");
      expect((await call(target.server(), `${path}other/digits.txt`)).text).toBe("0123456789");
      const marked = await call(target.server(), "/view?subfolder=files&filename=digits.txt%20[input]");
      expect(marked.text).toBe("0123456789");
    });

    it.each(["page.html", "drawing.svg", "code.js", "style.css"])("never lets a browser run %s", async (name) => {
      const answer = await call(target.server(), viewPath(await uploaded(name, "<b>text</b>")));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/octet-stream"]);
      expect(answer.headers.get("content-disposition")).toContain("attachment");
    });

    it.each([
      ["a file that is not there", "filename=none.png", 404],
      ["no file name", "type=output", 404],
      ["a file name that leads up", "filename=../x.png", 400],
      ["an absolute file name", "filename=/etc/passwd", 400],
      ["a hash, while assets are off", "filename=blake3:00", 404],
      ["an unknown type", "filename=x.png&type=elsewhere", 400],
      ["a folder outside", "filename=x.png&subfolder=../..", 403],
      ["an absolute folder", "filename=passwd&subfolder=/etc", 403],
    ])("gives nothing for %s", async (_name, query, status) => {
      const answer = await call(target.server(), `/view?${query}`);
      expect([answer.status, answer.text]).toEqual([status, ""]);
    });
  });
}
