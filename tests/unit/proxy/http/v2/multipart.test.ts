import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import { readFileForm } from "../../../../../proxy/http/v2/multipart.ts";

const TYPE = "multipart/form-data; boundary=X";
const field = (name: string, value: string) =>
  `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const part = (text: string, name = "file") =>
  `--X\r\nContent-Disposition: form-data; name="${name}"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n${text}\r\n`;
const END = "--X--\r\n";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** In pieces of this size, as a network would bring them. */
function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += size));
    },
  });
}

/** The fields and the file of a form, or the code and status of what is wrong with it. */
async function read(text: string, { contentType = TYPE as string | null, size = 7 } = {}) {
  try {
    const form = readFileForm({ contentType, body: inPieces(bytesOf(text), size) });
    const fields = Object.fromEntries(await form.fields);
    return { fields, file: await new Response(form.file).text() };
  } catch (error) {
    if (!FleetError.is(error)) throw error;
    return { code: error.code, status: error.status, message: error.message };
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("readFileForm", () => {
  it("gives the fields, then the file, however the bytes are cut", async () => {
    const form = field("content_type", "image/png") + field("tags", "a") + field("tags", "b") +
      field("file_path", "é/ü.png") + part("12\r\n--Z\r\n--Y") + END;
    for (const size of [1, 3, 7, 100, 10_000]) {
      expect(await read(form, { size })).toEqual({
        fields: { content_type: ["image/png"], tags: ["a", "b"], file_path: ["é/ü.png"] },
        file: "12\r\n--Z\r\n--Y",
      });
    }
  });

  it("reads what a platform's own FormData writes, of any bytes", async () => {
    const bytes = new Uint8Array(300_000).map((_, at) => at * 7);
    const form = new FormData();
    form.append("content_type", "image/png");
    form.append("file", new Blob([bytes]), 'a b"ü.png');
    const request = new Request("http://x/", { method: "POST", body: form });
    const { fields, file } = readFileForm({ contentType: request.headers.get("content-type"), body: request.body });
    expect(Object.fromEntries(await fields)).toEqual({ content_type: ["image/png"] });
    expect(new Uint8Array(await new Response(file).arrayBuffer())).toEqual(bytes);
  });

  it("takes an empty file, and one whose part names no file", async () => {
    expect(await read(field("a", "") + part("") + END)).toEqual({ fields: { a: [""] }, file: "" });
    expect(await read(field("a", "1") + field("file", "bytes") + END)).toEqual({ fields: { a: ["1"] }, file: "bytes" });
  });

  it("breaks a file whose form breaks off, wherever that is", async () => {
    const whole = field("a", "1") + part("0123456789") + END;
    // The last line break may lack; the last boundary may not.
    for (let length = 0; length < whole.length - 2; length++) {
      const result = await read(whole.slice(0, length));
      expect(result, `after ${length} characters`).toMatchObject({ code: "upload_interrupted", status: 400 });
    }
    expect(await read(whole.slice(0, -2))).toMatchObject({ file: "0123456789" });
  });

  it.each([
    ["a field after the file", field("a", "1") + part("x") + field("b", "2") + END, /'b' comes after the file/],
    ["two files", part("x") + part("y") + END, /too many files/],
    ["no file", field("a", "1") + END, /no file/],
    ["no part", END, /no file|ends before/],
    ["too many fields", field("a", "1").repeat(40) + part("x") + END, /too many fields/],
    ["a huge field", field("a", "x".repeat(9_000)) + part("x") + END, /longer than 8192 bytes/],
    ["a part without a name", `--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n${part("x")}${END}`, /no name/],
  ])("refuses %s", async (_what, form, message) => {
    const result = await read(form, { size: 1_000 });
    expect(result).toMatchObject({ message: expect.stringMatching(message) });
    expect([400, 422]).toContain(result.status);
  });

  it.each([
    [null],
    ["application/json"],
    ["multipart/form-data"],
    ["multipart/mixed; boundary=X"],
    ["multipart/form-data;"],
  ])("refuses the content type %s at once, with 400", async (contentType) => {
    expect(await read(part("x") + END, { contentType })).toMatchObject({ code: "invalid_input", status: 400 });
  });

  it("reads no more than a few chunks ahead of whoever takes the file", async () => {
    let given = 0;
    const piece = new Uint8Array(64 * 1024);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(given === 0 ? bytesOf(part("").slice(0, -2)) : piece);
        given += 1;
      },
    }, { highWaterMark: 0 });
    const form = readFileForm({ contentType: TYPE, body });
    await form.fields;
    const reader = form.file.getReader();
    await reader.read();
    await turns();
    expect(given).toBeLessThan(8);
    await reader.cancel();
    const before = given;
    await turns();
    expect(given).toBe(before);
  });

  it("lets go of the request when it is abandoned or its file canceled", async () => {
    for (const letGo of ["abandon", "cancel"] as const) {
      const canceled = Promise.withResolvers<void>();
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytesOf(part("abc").slice(0, -2))),
        cancel: () => canceled.resolve(),
      });
      const form = readFileForm({ contentType: TYPE, body });
      await form.fields;
      if (letGo === "abandon") form.abandon();
      else await form.file.cancel();
      await canceled.promise;
    }
  });

  it("ends for every sequence of parts and scraps, with a file only when all of it was in order", async () => {
    const scrap = fc.oneof(
      fc.constantFrom(
        field("a", "1"),
        part("x"),
        part("y", "other"),
        END,
        "--X",
        "--X\r\n",
        "\r\n",
        "--X--",
        "\r\n\r\n",
      ),
      fc.string({ maxLength: 30 }),
      fc.constantFrom(
        'Content-Disposition: form-data; name="file"\r\n',
        "content-disposition: x\r\n\r\n",
        "\0",
        "--X\n",
      ),
    );
    const requests = fc.tuple(fc.array(scrap, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }));
    await fc.assert(
      fc.asyncProperty(requests, async ([scraps, size]) => {
        const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("hangs")), 2_000));
        const result = await Promise.race([read(scraps.join(""), { size }), late]);
        expect(result).toSatisfy((one: typeof result) => "file" in one || [400, 422].includes(one.status ?? 0));
      }),
      { numRuns: 400 },
    );
  });
});
