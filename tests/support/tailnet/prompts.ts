/** What the ComfyUI of a pod has been given, asked inside the pod's own place: its ports answer nowhere else. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { POD_PORTS } from "./pod.ts";
import type { Place } from "./places.ts";

const State = z.object({ worker: z.object({ started: z.array(z.string()) }) });

/** Ids of the prompts that this ComfyUI has begun, in order. */
export async function promptsOf(place: Place): Promise<string[]> {
  const ask = `console.log(await (await fetch("http://127.0.0.1:${POD_PORTS.control}/state")).text())`;
  const [program = "", ...args] = place.wrap([process.execPath, "--input-type=module", "--eval", ask]);
  const { stdout } = await promisify(execFile)(program, args, { timeout: 20_000 });
  return State.parse(JSON.parse(stdout)).worker.started;
}
