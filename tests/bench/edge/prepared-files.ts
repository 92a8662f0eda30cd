/** Files that play outputs: equal in size, different in bytes, so that the edge has to fetch and to store each. */
import { createHash, randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { typeid } from "typeid-js";
import { z } from "zod";
import { Workspace } from "../../../agent/attempts/workspace.ts";
import { AttemptOutput } from "../../../contracts/attempt.ts";
import { AttemptId, JobId } from "../../../contracts/ids.ts";

const Prepared = z.object({ attemptId: AttemptId, jobId: JobId, outputs: z.array(AttemptOutput) });
export type Prepared = z.infer<typeof Prepared>;

const LIST = "prepared.json";

/** Writes them into `folder`, laid out as the agent's workspace has an attempt's outputs. */
export async function prepareFiles(
  folder: string,
  { count, sizeBytes }: { count: number; sizeBytes: number },
): Promise<Prepared> {
  const attemptId = AttemptId.parse(typeid("att").toString());
  const bytes = randomFillSync(Buffer.alloc(sizeBytes));
  const outputs: AttemptOutput[] = [];
  const workspace = new Workspace(folder, () => null);
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index += 1) {
    bytes.writeUInt32LE(index);
    await writeFile(workspace.outputPath(attemptId, index), bytes);
    outputs.push({
      ...{ index, nodeId: "2", name: `file-${index}.mp4`, contentType: "video/mp4", sizeBytes, temporary: false },
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  }
  const prepared = { attemptId, jobId: JobId.parse(typeid("job").toString()), outputs };
  await writeFile(join(folder, LIST), JSON.stringify(prepared));
  return prepared;
}

export function readPrepared(folder: string): Prepared {
  return Prepared.parse(JSON.parse(readFileSync(join(folder, LIST), "utf8")));
}
