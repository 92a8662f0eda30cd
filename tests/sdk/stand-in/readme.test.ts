/** The README's lines that point each official SDK at a fleet, run as they stand there. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../../support/fleet/fleet.ts";
import { ensureEnvironment, whyNoPython } from "../../support/python/environment.ts";
import { picture } from "../../support/sdk/graphs.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

function blockOf(language: "ts" | "python"): string {
  const section = readFileSync(join(ROOT, "README.md"), "utf8").split("\n## From the official Comfy SDKs\n")[1] ?? "";
  const block = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(section.split("\n## ")[0] ?? "")?.[1];
  if (block === undefined) throw new Error(`Cannot find the ${language} block of the official SDKs in the README`);
  return block;
}

const noPython = process.env.CI ? null : await whyNoPython();

describe.each(EDGE_RUNTIMES)("the README's lines for the official SDKs, with the edge on %s", (runtime) => {
  let stage: Stage;
  let folder: string;
  beforeAll(async () => {
    stage = await startStage({ runtime });
    // Inside the repository, so that the program finds the package.
    mkdirSync(join(ROOT, ".tmp"), { recursive: true });
    folder = mkdtempSync(join(ROOT, ".tmp", "readme-"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await stage?.[Symbol.asyncDispose]();
  });

  /** Runs the block in a folder of its own beside a graph, and returns the files that it has made. */
  async function made(language: "ts" | "python", program: string, command: string): Promise<Buffer[]> {
    const place = join(folder, language);
    mkdirSync(place);
    writeFileSync(join(place, program), blockOf(language));
    writeFileSync(join(place, "workflow_api.json"), JSON.stringify(picture()));
    const { baseUrl, apiKey } = stage.target;
    const env = { ...process.env, COMFY_BASE_URL: baseUrl, COMFYFLEET_KEY: apiKey };
    await run(command, [program], { cwd: place, env, timeout: 60_000 });
    const files = readdirSync(place).filter((name) => name.endsWith(".png"));
    return files.map((name) => readFileSync(join(place, name)));
  }

  it("save the picture in TypeScript", async () => {
    const [bytes] = await made("ts", "program.mjs", process.execPath);
    expect(bytes?.subarray(1, 4).toString()).toBe("PNG");
  });

  it.skipIf(noPython !== null)("save the picture in Python", { timeout: 300_000 }, async () => {
    const { python } = await ensureEnvironment("sdk");
    const [bytes] = await made("python", "program.py", python);
    expect(bytes?.subarray(1, 4).toString()).toBe("PNG");
  });
});
