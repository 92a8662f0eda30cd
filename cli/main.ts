#!/usr/bin/env node
/** Entry point of the `comfyfleet` command. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { runProgram } from "./program.ts";
import { EXIT } from "./output/exit-codes.ts";

function packageVersion(): string {
  // One folder up in a checkout, two in the package (dist/cli).
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), "utf8");
      return z.object({ name: z.literal("comfyfleet"), version: z.string() }).parse(JSON.parse(text)).version;
    } catch {
      // Look in the next place.
    }
  }
  return "unknown";
}

const interrupt = new AbortController();
let signals = 0;
function onSignal(): void {
  signals += 1;
  if (signals > 1) process.exit(EXIT.interrupted);
  interrupt.abort(new DOMException("interrupted", "AbortError"));
}
process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);

process.exitCode = await runProgram(process.argv.slice(2), {
  version: packageVersion(),
  env: process.env,
  terminal: { stdout: process.stdout, stderr: process.stderr },
  interrupted: interrupt.signal,
});
// A stream that is still being closed must not keep a finished command from ending.
process.exit();
