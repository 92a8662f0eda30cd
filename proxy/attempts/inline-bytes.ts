/** The bytes of a small output that came with the report of it. Whether they are the right ones, their hash says. */
import type { AttemptOutput } from "../../contracts/attempt.ts";

/** Null where there are none, or not as many as reported: then the agent is asked for them. */
export function inlineBytes({ dataBase64, sizeBytes }: AttemptOutput): Uint8Array<ArrayBuffer> | null {
  if (dataBase64 === undefined) return null;
  const bytes = Buffer.from(dataBase64, "base64");
  return bytes.byteLength === sizeBytes ? new Uint8Array(bytes) : null;
}
