// The programs that a set-up needs and cannot bring itself: Python with venv and pip, and for ComfyUI on Linux a C compiler.
import { runCommand } from "./run-command.ts";

export type FindPythonOptions = {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Further programs that must be there. */
  tools: readonly string[];
};

/** What building stand-ins for CUDA's libraries, and unpacking a source package, takes. */
export const COMFY_TOOLS: readonly string[] = process.platform === "linux" ? ["gcc", "readelf", "nm", "tar"] : ["tar"];

const PROBE = "import sys, venv, ensurepip; print(sys.version_info >= (3, 11))";

/**
 * Returns the first of `$PYTHON`, python3, python3.13, python3.12, python3.11 that is at least 3.11 and can make a venv.
 * @throws Error with a hint when there is none, or when a tool is missing.
 */
export async function findPython({ env, signal, tools }: FindPythonOptions): Promise<string> {
  if (process.platform === "win32") {
    throw new Error(
      "it needs Linux or macOS\nHint: use WSL, or point COMFYUI_DIR and COMFYUI_PYTHON at a ComfyUI of yours.",
    );
  }
  for (const tool of tools) {
    await runCommand([tool, "--version"], { signal, env }).catch((cause: unknown) => {
      throw new Error(
        `${tool} is missing\nHint: install it (Debian and Ubuntu: apt-get install gcc binutils tar).`,
        { cause },
      );
    });
  }
  const candidates = [env.PYTHON || "python3", "python3", "python3.13", "python3.12", "python3.11"];
  for (const python of new Set(candidates)) {
    const answer = await runCommand([python, "-c", PROBE], { signal, env }).catch(() => "");
    if (answer.trim() === "True") return python;
  }
  throw new Error(
    "no Python of 3.11 or newer with venv and pip was found\n" +
      "Hint: install one (Debian and Ubuntu: apt-get install python3 python3-venv python3-pip), or name it in PYTHON.",
  );
}
