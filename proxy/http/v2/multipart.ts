/**
 * A form with one file, read as it comes: the fields first, then the file as a stream, which ends only when the whole form
 * has been read and was in order. Whoever stores the file keeps nothing of a form that breaks off.
 */
import { Busboy, type BusboyFileStream, type BusboyInstance } from "@fastify/busboy";
import { FleetError } from "../../../contracts/errors.ts";
import { shorten } from "../../../contracts/shorten.ts";
import { wrongField } from "./errors.ts";

/** Values by the name of the field, in the order they came. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

export interface FileForm {
  /** Rejects for a form without a file, one whose fields come after it, and one that is none. */
  fields: Promise<FormFields>;
  /** Breaks with a FleetError when the rest of the form is not in order. Nothing is read ahead of it but a few chunks. */
  file: ReadableStream<Uint8Array>;
  /** Reads no further. */
  abandon(): void;
}

export interface FormSource {
  contentType: string | null;
  body: ReadableStream<Uint8Array> | null;
}

export const FILE_FIELD = "file";
/** The four named ones, and as many tags as are taken. */
export const MAX_TAGS = 32;
const MAX_FIELDS = 4 + MAX_TAGS;
/** A path of 1,024 characters fits, whatever its letters. */
const MAX_FIELD_BYTES = 8 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const LIMITS = {
  fields: MAX_FIELDS,
  fieldSize: MAX_FIELD_BYTES,
  files: 1,
  parts: MAX_FIELDS + 2,
  headerPairs: 20,
  headerSize: MAX_HEADER_BYTES,
};
/** What a form takes beside its file, bytes: all fields with their headers. */
export const FORM_OVERHEAD_BYTES = (MAX_FIELDS + 2) * (MAX_FIELD_BYTES + MAX_HEADER_BYTES);

function unreadable(state: string, hint: string, cause?: unknown): FleetError {
  return new FleetError("invalid_input", `Cannot read the form: ${state}`, { hint, cause });
}

function cutShort(cause: unknown): FleetError {
  if (FleetError.is(cause)) return cause;
  return new FleetError("upload_interrupted", "Cannot read the form: it ends before its last boundary", {
    hint: "Send it again; nothing of it was kept.",
    cause,
  });
}

function openBusboy(contentType: string | null): BusboyInstance {
  const hint = "Send 'multipart/form-data' with a boundary, as the SDKs do.";
  if (!/^\s*multipart\/form-data\s*;/i.test(contentType ?? "")) {
    throw unreadable(`its content type is '${shorten(contentType ?? "none")}'`, hint);
  }
  try {
    // The name alone decides what is the file: some clients name no file, and a field is never one.
    return new Busboy({
      headers: { "content-type": contentType?.trim() ?? "" },
      limits: LIMITS,
      isPartAFile: (name) => name === FILE_FIELD,
    });
  } catch (error) {
    throw unreadable("its content type has no boundary", hint, error);
  }
}

/** @throws FleetError `invalid_input` for another content type, at once; everything later breaks what is returned */
export function readFileForm({ contentType, body }: FormSource): FileForm {
  const busboy = openBusboy(contentType);
  const fields = new Map<string, string[]>();
  const found = Promise.withResolvers<FormFields>();
  const broken = Promise.withResolvers<never>();
  // Either may have nobody who waits for it.
  found.promise.catch(() => undefined);
  broken.promise.catch(() => undefined);
  const reader = (body ?? new Blob([]).stream()).getReader();
  let source: BusboyFileStream | null = null;
  let sink: ReadableStreamDefaultController<Uint8Array> | null = null;
  let over = false;

  /** Lets go of the request, whatever is still to come. */
  function stop(): boolean {
    if (over) return false;
    over = true;
    source?.resume();
    reader.cancel().catch(() => undefined);
    return true;
  }

  function fail(error: FleetError): void {
    if (!stop()) return;
    found.reject(error);
    broken.reject(error);
    sink?.error(error);
  }

  function takeField(name: string | undefined, value: string, isCut: boolean): void {
    if (source !== null) {
      return fail(wrongField(`Cannot read the form: the field '${shorten(name ?? "")}' comes after the file`, {
        hint: "Send every field before the file, which is the last part.",
      }));
    }
    if (name === undefined) {
      return fail(wrongField("Cannot read the form: a part has no name", { hint: "Name every part." }));
    }
    if (isCut) {
      return fail(wrongField(`Cannot read the form: '${shorten(name)}' is longer than ${MAX_FIELD_BYTES} bytes`, {
        hint: `Bytes belong into the field '${FILE_FIELD}'.`,
      }));
    }
    const values = fields.get(name) ?? [];
    values.push(value);
    fields.set(name, values);
  }

  function takeFile(file: BusboyFileStream): void {
    source = file;
    // Broken forms are told of by the form itself, in its own words.
    file.on("error", (error: unknown) => fail(cutShort(error)));
    file.on("data", (chunk: Uint8Array) => {
      if (over) return;
      sink?.enqueue(chunk);
      if ((sink?.desiredSize ?? 0) <= 0) file.pause();
    });
    file.pause();
    found.resolve(fields);
  }

  function finish(): void {
    if (source === null) {
      const hint = `Send the bytes as the last part, named '${FILE_FIELD}'.`;
      return fail(wrongField("Cannot read the form: it has no file", { hint }));
    }
    if (over) return;
    over = true;
    sink?.close();
  }

  const tooMany = (what: string) => () =>
    fail(wrongField(`Cannot read the form: it has too many ${what}`, {
      hint: `One file, and at most ${MAX_FIELDS} fields before it, are taken.`,
    }));
  busboy.on("field", (...[name, value, , isCut]) => takeField(name, value, isCut));
  busboy.on("file", (_name, file) => takeFile(file));
  busboy.on("filesLimit", tooMany("files"));
  busboy.on("fieldsLimit", tooMany("fields"));
  busboy.on("partsLimit", tooMany("parts"));
  busboy.on("error", (error: unknown) => fail(cutShort(error)));
  busboy.on("finish", finish);

  /** Each chunk is taken before the next is asked for. */
  async function pump(): Promise<void> {
    while (!over) {
      const { done, value } = await reader.read();
      if (over) return;
      if (done) return void busboy.end();
      const taken = new Promise<void>((resolve) => busboy.write(value, () => resolve()));
      await Promise.race([taken, broken.promise]);
    }
  }

  const file = new ReadableStream<Uint8Array>({
    start(controller) {
      sink = controller;
    },
    pull: () => void source?.resume(),
    cancel: () => void stop(),
  }, { highWaterMark: 1 });

  void pump().catch((error: unknown) => fail(cutShort(error)));
  return { fields: found.promise, file, abandon: () => void stop() };
}
