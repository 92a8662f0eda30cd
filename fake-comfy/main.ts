/** The entry point of the stand-in: gives the process to `startFakeComfy`. */
import { tmpdir } from "node:os";
import process from "node:process";
import { startFakeComfy } from "./start.ts";

await startFakeComfy(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  exit: (code) => process.exit(code),
  kill: () => process.kill(process.pid, "SIGKILL"),
  onInterrupt: (stop) => process.once("SIGINT", stop),
  pid: process.pid,
  tempRoot: tmpdir(),
  monotonicMs: () => performance.now(),
  nowMs: () => Date.now(),
});
