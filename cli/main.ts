#!/usr/bin/env node
/** Entry point of the `comfyfleet` command. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { invocation } from "./invocation.ts";
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

/** npm passes a terminal's Ctrl-C on to a script that the terminal told already; that is not a second one. */
const SAME_SIGNAL_MS = 300;

const argv = process.argv.slice(2);
const interrupt = new AbortController();
let firstMs = Number.POSITIVE_INFINITY;
function stop(): void {
  firstMs = Math.min(firstMs, performance.now());
  interrupt.abort(new DOMException("interrupted", "AbortError"));
}
function onSignal(): void {
  if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
  stop();
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
// A reader that is gone (`| head`, a closed terminal) has read enough of a command; a fleet serves others too, and
// goes on without it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", () => {
    if (argv[0] !== "up") stop();
  });
}

process.exitCode = await runProgram(argv, {
  version: packageVersion(),
  command: invocation({ script: process.argv[1] ?? "comfyfleet", cwd: process.cwd(), env: process.env }),
  env: process.env,
  terminal: { stdout: process.stdout, stderr: process.stderr },
  interrupted: interrupt.signal,
});
// A stream that is still being closed must not keep a finished command from ending.
process.exit();
