/** The same benchmark in a network namespace without a way out, in a process of its own, whose lines are read back. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { ensureBinaries } from "../../support/tailnet/binaries.ts";
import { namespaceWrapper } from "../../support/tailnet/namespace.ts";
import type { Measurement } from "../measurement.ts";

/** What `--json` prints. */
const Line = z.object({
  bench: z.string(),
  metric: z.string(),
  value: z.number(),
  unit: z.enum(["ms", "MB", "MB/s", "1/s", "s", "events", "jobs"]),
  baseline: z.number(),
  goal: z.number().optional(),
  goalIs: z.enum(["at_most", "at_least"]).optional(),
});

/** @throws Error where this machine makes no namespaces, with the reason, and when the benchmark fails */
export async function runIsolated(signal: AbortSignal): Promise<Measurement[]> {
  const wrapper = namespaceWrapper();
  if ("whyNot" in wrapper) throw new Error(`Cannot measure a tailnet here: ${wrapper.whyNot}`);
  const env = { ...process.env, TAILNET_BIN: await ensureBinaries({ signal }) };
  const given = process.argv.slice(2).filter((argument) => argument !== "--strict" && argument !== "--json");
  const [program, ...args] = [...wrapper.command, process.execPath, process.argv[1] ?? "", ...given, "--json"];
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "inherit"], signal });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`Cannot measure: the benchmark in the namespace ended with ${String(code)}`);
  return text.trim().split("\n").map((line) => Line.parse(JSON.parse(line)) as Measurement);
}
