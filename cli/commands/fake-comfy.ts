/** `comfyfleet fake-comfy …`: hands over to the stand-in, a program of its own. */
import { spawn } from "node:child_process";
import type { CliContext } from "../context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { entryPath } from "../up/entry.ts";

export function fakeComfy({ interrupted }: CliContext, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entryPath("fake-comfy/main"), ...args], { stdio: "inherit" });
    // A Ctrl-C reaches the whole group; a SIGTERM reaches only us.
    interrupted.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? EXIT.interrupted : EXIT.failure)));
  });
}
