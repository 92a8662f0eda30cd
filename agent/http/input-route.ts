/** `PUT /inputs/{sha256}`: the bytes of one input, streamed to disk while they are hashed. */
import { FleetError } from "../../contracts/errors.ts";
import { Sha256 } from "../../contracts/ids.ts";
import { type InputStore, tooLarge } from "../attempts/input-store.ts";
import { type Pace, withoutStalls } from "./without-stalls.ts";

/** With next to nothing for this long an upload is given up: its sender has stalled or vanished. */
export const UPLOAD_STALL_MS = 60_000;

interface InputDeps extends Pace {
  inputs: InputStore;
  maxInputBytes: number;
}

/** 201, or 200 when the pod has them already. */
export async function inputResponse(
  request: Request,
  given: string,
  { inputs, maxInputBytes, ...pace }: InputDeps,
): Promise<Response> {
  const sha256 = Sha256.safeParse(given);
  if (!sha256.success) {
    throw new FleetError("invalid_input", "Cannot keep input: its path is no hash", {
      hint: "PUT it to /inputs/ and 64 lowercase hex digits of its sha256.",
    });
  }
  if (inputs.has(sha256.data)) {
    await request.body?.cancel();
    return Response.json({ sha256: sha256.data }, { status: 200 });
  }
  if (Number(request.headers.get("content-length") ?? 0) > maxInputBytes) throw tooLarge(maxInputBytes);
  await inputs.put(sha256.data, withoutStalls(request.body ?? emptyBody(), pace));
  return Response.json({ sha256: sha256.data }, { status: 201 });
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
