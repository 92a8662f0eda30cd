/** The headers of the Comfy API v2 that make a request safe to send again. */
import { shorten } from "../../../contracts/shorten.ts";
import { wrongField } from "./errors.ts";

/** The header, or null. @throws FleetError `invalid_input` (422) */
export function readIdempotency(headers: Headers): { key: string; replay: boolean } | null {
  const mode = headers.get("idempotency-mode")?.trim().toLowerCase() ?? "";
  if (mode !== "" && mode !== "replay") {
    throw wrongField(`Cannot take the request: Idempotency-Mode '${shorten(mode)}' is not known`, {
      hint: "'replay' answers a repeated key with the first result; without it the key is refused.",
    });
  }
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (/^[\x20-\x7e]{1,200}$/.test(key)) return { key, replay: mode === "replay" };
  throw wrongField("Cannot take the request: Idempotency-Key is not 1 to 200 printable ASCII characters", {
    hint: "A UUID will do.",
  });
}
