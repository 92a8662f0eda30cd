/** The edge's permissions on Deno: one list, which the README shows and with which the process really runs. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { findDeno } from "../../cli/up/entry.ts";
import { CONFIG_NAMES } from "../../proxy/config.ts";
import { startTestEdge } from "../support/fleet/edge.ts";
import { freePort } from "../support/fleet/free-port.ts";
import { ask } from "../support/fleet/http.ts";
import { manageProcess } from "../support/fleet/process.ts";
import { until } from "../support/fleet/until.ts";

const ROOT = new URL("../../", import.meta.url);
const { flags } = z.object({ flags: z.array(z.string()) })
  .parse(JSON.parse(readFileSync(new URL("proxy/deno-flags.json", ROOT), "utf8")));

/** The arguments of the README's `deno run …`, its line breaks undone. */
function readmeCommand(): string[] {
  const text = readFileSync(new URL("README.md", ROOT), "utf8").replaceAll("\\\n", " ");
  const [, command = ""] = /^deno run (.*)$/m.exec(text) ?? /deno run (.*)/.exec(text) ?? [];
  return command.trim().split(/\s+/);
}

describe("proxy/deno-flags.json", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "comfyfleet-flags-"));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }));

  it("holds the flags of the README's command, and no others", () => {
    const shown = flags.map((flag) => flag.replace("{dataDir}", ".comfyfleet/edge"));
    expect(readmeCommand()).toEqual([...shown, "proxy/main.deno.ts"]);
  });

  it("allows every variable that the edge reads, and nothing that runs or reads beyond its folder", () => {
    const env = flags.find((flag) => flag.startsWith("--allow-env="))?.slice("--allow-env=".length).split(",") ?? [];
    for (const name of CONFIG_NAMES) expect(env).toContain(name);
    const granted = flags.filter((flag) => flag.startsWith("--allow-")).map((flag) => flag.split("=")[0]);
    expect(new Set(granted)).toEqual(new Set(["--allow-env", "--allow-net", "--allow-read", "--allow-write"]));
    expect(flags).toContain("--allow-read={dataDir}");
    expect(flags).toContain("--allow-write={dataDir}");
    expect(flags).toContain("--no-prompt");
  });

  it("is what the process that `up` plans runs with", async () => {
    await using edge = await startTestEdge({ runtime: "deno" });
    await edge.waitReady();
    const line = readFileSync(`/proc/${edge.process.pid}/cmdline`, "utf8").split("\0").filter((part) => part !== "");
    const folder = join(edge.dataDir, "edge");
    expect(line[0]).toMatch(/deno$/);
    expect(line.slice(1, -1)).toEqual(["run", ...flags.map((flag) => flag.replace("{dataDir}", folder))]);
    expect(line.at(-1)).toMatch(/proxy\/main\.deno\.ts$/);
  });

  it("suffices: the README's command starts an edge", async () => {
    const port = await freePort();
    const folder = join(dataDir, "edge");
    mkdirSync(folder);
    const args = readmeCommand().map((arg) => arg.replace(".comfyfleet/edge", folder));
    const entry = args.pop() ?? "";
    const edge = manageProcess({
      command: [findDeno(process.env) ?? "", "run", ...args, new URL(entry, ROOT).pathname],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, EDGE_DATA_DIR: folder, EDGE_LISTEN: `127.0.0.1:${port}` },
      logPath: join(dataDir, "edge.log"),
    });
    try {
      await until("the edge to answer", async () => {
        const answer = await ask(`http://127.0.0.1:${port}/readyz`).catch(() => null);
        return answer?.status === 200 || null;
      });
    } finally {
      expect((await edge.terminate()).code).toBe(0);
    }
  });
});
