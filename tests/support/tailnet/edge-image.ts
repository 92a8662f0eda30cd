/** The edge's image as far as it can be had without Docker: what the Dockerfile says, and the files that it copies. */
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));
export const DOCKERFILE = "docker/edge/Dockerfile";
/** Of the sources in the image. */
const HOME = "/opt/comfyfleet";

export interface Instruction {
  /** E.g. `COPY`. */
  name: string;
  words: string[];
}

/** Lines that end in a backslash are one; comments are left out. */
export function readDockerfile(): Instruction[] {
  const text = readFileSync(join(CHECKOUT, DOCKERFILE), "utf8").replaceAll(/^\s*#.*\n/gm, "").replaceAll("\\\n", " ");
  return text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [name = "", ...words] = line.trim().split(/\s+/);
    return { name, words };
  });
}

export interface Copy {
  /** In the checkout. */
  sources: string[];
  target: string;
}

/** What is copied out of the checkout and stays in the image of the last stages. */
export function copies(instructions: readonly Instruction[]): Copy[] {
  const last = instructions.slice(
    instructions.findLastIndex(({ name, words }) => name === "FROM" && words[2] === "node"),
  );
  return last.filter(({ name, words }) => name === "COPY" && !words[0]?.startsWith("--from=")).map(({ words }) => ({
    sources: words.slice(0, -1),
    target: words.at(-1) ?? "",
  }));
}

/** Makes the folder of the image's sources, with the checkout's `node_modules`. Returns the entrypoint in it. */
export function layOut(folder: string): string {
  for (const { sources, target } of copies(readDockerfile())) {
    for (const source of sources) {
      const to = target.endsWith("/") ? join(folder, target, source) : join(folder, target);
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(CHECKOUT, source), to, { recursive: true });
    }
  }
  symlinkSync(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  const entrypoint = readDockerfile().find(({ name }) => name === "ENTRYPOINT")?.words.join(" ") ?? "[]";
  const [, path = ""] = JSON.parse(entrypoint) as string[];
  return path.replace(HOME, folder);
}
