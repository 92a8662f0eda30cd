/** `npm run build`: type-checks, then writes dist/ afresh: JS, d.ts, and the files beside the code that are read at run time. */
import { chmod, cp, readFile, rm } from "node:fs/promises";
import { globSync } from "node:fs";
import { join } from "node:path";
import { formatDuration, repositoryRoot, runStep } from "./run-step.ts";

const published = ["contracts", "client", "proxy", "agent", "cli", "fake-comfy"];
const executable = join(repositoryRoot, "dist/cli/main.js");

async function compile(project: string): Promise<void> {
  const step = { name: project, command: "tsc", args: ["-p", project], deadlineMs: 60_000 };
  const { reason } = await runStep(step);
  if (reason !== undefined) throw new Error(`Cannot build: tsc -p ${project}: ${reason}`);
}

async function copyDataFiles(): Promise<void> {
  const paths = globSync(`{${published.join(",")}}/**/*.*`, { cwd: repositoryRoot }).filter((path) =>
    !/\.(?:ts|tsx|md)$/.test(path)
  );
  for (const path of paths) await cp(join(repositoryRoot, path), join(repositoryRoot, "dist", path));
}

async function makeExecutable(): Promise<void> {
  const firstLine = (await readFile(executable, "utf8")).split("\n", 1)[0];
  if (firstLine !== "#!/usr/bin/env node") throw new Error("Cannot build: cli/main.ts has no #!/usr/bin/env node line");
  await chmod(executable, 0o755);
}

const startedAt = performance.now();
await rm(join(repositoryRoot, "dist"), { recursive: true, force: true });
await compile("tsconfig.json");
await compile("tsconfig.build.json");
await copyDataFiles();
await makeExecutable();
console.log(`built dist/ in ${formatDuration(performance.now() - startedAt)}`);
