// Records what a real ComfyUI without any model says of the classes that services use (names, types, ranges, choices):
//   node tests/support/real-comfy/record-services.ts     (sets one up when there is none)
// Writes classes.json of the stand-in, one class a line.
import { writeFile } from "node:fs/promises";
import { SERVICE_IDS, SERVICES } from "../../../contracts/services/registry.ts";
import { interfaceOnly, SERVICE_CLASSES } from "./recordings.ts";
import { ensureRealComfy } from "./setup.ts";
import { startComfy } from "./start.ts";

const DEADLINE_MS = 60_000;

const real = await ensureRealComfy();
const comfy = await startComfy({ comfy: real });
try {
  const names = new Set(SERVICE_IDS.flatMap((id) => SERVICES[id].requirements.classes));
  const classes: Record<string, unknown> = {};
  for (const name of [...names].toSorted()) {
    const response = await fetch(`${comfy.url}/object_info/${name}`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!(name in answer)) throw new Error(`Cannot record ${name}: ComfyUI ${real.version} does not have it`);
    Object.assign(classes, answer);
  }
  const lines = Object.entries(classes)
    .map(([name, info]) => `  ${JSON.stringify(name)}: ${JSON.stringify(interfaceOnly(info))}`);
  const text = `{\n "comfyui": ${JSON.stringify(real.version)},\n "classes": {\n${lines.join(",\n")}\n }\n}\n`;
  await writeFile(SERVICE_CLASSES, text);
  process.stdout.write(`Recorded ${names.size} classes of ComfyUI ${real.version}\n`);
} finally {
  await comfy.stop();
}
