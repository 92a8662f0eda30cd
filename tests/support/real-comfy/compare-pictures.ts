// How far a picture is from the one that was recorded from the real server.
import { readFile } from "node:fs/promises";
import { decode } from "fast-png";
import { RECORDED } from "./recordings.ts";

/**
 * Mean absolute difference per channel, in 255ths; 0 means that every pixel is equal.
 * @param file name of a recorded PNG
 * @throws Error when the two differ in size, channels or depth.
 */
export async function differenceFromRecording(made: Uint8Array, file: string): Promise<number> {
  const picture = decode(made);
  const recorded = decode(await readFile(new URL(file, RECORDED)));
  for (const key of ["width", "height", "channels", "depth"] as const) {
    if (picture[key] !== recorded[key]) {
      throw new Error(`${file}: ${key} is ${picture[key]}, recorded ${recorded[key]}`);
    }
  }
  let sum = 0;
  for (let i = 0; i < recorded.data.length; i += 1) sum += Math.abs((picture.data[i] ?? 0) - (recorded.data[i] ?? 0));
  return sum / recorded.data.length;
}
