/** Reads request bodies up to the server's limit. */
import type { IncomingMessage } from "node:http";
import type { Json } from "../python.ts";

/** The body is larger than `--max-upload-size`; the answer is 413. */
export class BodyTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`Maximum request body size ${maxBytes} exceeded.`);
  }
}

/** The body is not JSON; the answer is 500 where nothing else is said. */
export class InvalidJson extends Error {}

/** What handlers get to read a body from. */
export interface BodySource {
  readonly incoming: IncomingMessage;
  readonly maxBytes: number;
}

/** @throws {BodyTooLarge} */
export async function readBody({ incoming, maxBytes }: BodySource): Promise<Buffer> {
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw new BodyTooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new BodyTooLarge(maxBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** @throws {BodyTooLarge | InvalidJson} */
export async function readJson(source: BodySource): Promise<Json> {
  const body = await readBody(source);
  try {
    return JSON.parse(body.toString("utf8")) as Json;
  } catch (error) {
    throw new InvalidJson("Cannot read the body: it is not JSON", { cause: error });
  }
}

/** A multipart or urlencoded form; empty for any other content type. @throws when the form is broken */
export async function readForm(source: BodySource): Promise<FormData> {
  const body = await readBody(source);
  const type = source.incoming.headers["content-type"] ?? "";
  if (!/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type)) return new FormData();
  return await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
}
