/** What can be known of the edge's image without building it. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CHECKOUT, copies, DOCKERFILE, readDockerfile } from "../../support/tailnet/edge-image.ts";

const read = (path: string) => readFileSync(join(CHECKOUT, path), "utf8");
const instructions = readDockerfile();
const named = (name: string) => instructions.filter((one) => one.name === name).map(({ words }) => words);
const copied = copies(instructions).flatMap(({ sources }) => sources);
const isCopied = (path: string) => copied.some((source) => path === source || path.startsWith(`${source}/`));
const manifest = z.object({ devDependencies: z.record(z.string(), z.string()) }).parse(
  JSON.parse(read("package.json")),
);
const lock = z.object({ packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })) })
  .parse(JSON.parse(read("package-lock.json")));

describe("docker/edge/Dockerfile", () => {
  it("is built of the versions that the project is tested with", () => {
    const stages = named("FROM").map(([image = "", , name = ""]) => ({ image, name }));
    const names = stages.map(({ name }) => name);
    const bases = new Set(stages.map(({ image }) => image).filter((image) => !names.includes(image)));
    const [, tailscale = ""] = /tailscale\.com (v[\d.]+)/.exec(read("tests/tailnet/tools/tailscale/go.mod")) ?? [];
    expect(bases).toEqual(
      new Set([`tailscale/tailscale:${tailscale}`, `node:${manifest.devDependencies["node"]}-bookworm-slim`]),
    );
    // Deno first: what is built when nobody says.
    expect(stages.at(-1)).toEqual({ image: "node", name: "deno" });
  });

  it("takes Deno from the lock file, for both architectures", () => {
    const [, pattern = ""] = /cp (node_modules\/@deno\/\S+)/.exec(read(DOCKERFILE)) ?? [];
    for (const arch of ["x64", "arm64"]) {
      const name = `node_modules/@deno/linux-${arch}-glibc`;
      expect(lock.packages[name]?.version).toBe(manifest.devDependencies["deno"]);
      expect(pattern.replace("*", arch)).toBe(`${name}/deno`);
    }
    expect(globSync("node_modules/@deno/*/deno*", { cwd: CHECKOUT }).map((path) => path.split("/").at(-1))).toContain(
      "deno",
    );
  });

  it("copies what there is, and what its build is let to see", () => {
    const all = named("COPY").filter(([first]) => !first?.startsWith("--from=")).flatMap((words) => words.slice(0, -1));
    const [first, ...rules] = read(`${DOCKERFILE}.dockerignore`).split("\n").filter((line) =>
      line !== "" && !line.startsWith("#")
    );
    expect(first).toBe("*");
    const shown = rules.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1));
    for (const source of all) {
      expect(existsSync(join(CHECKOUT, source)), source).toBe(true);
      expect(shown).toContain(source);
    }
    expect(shown.filter((path) => !all.includes(path))).toEqual([]);
  });

  it("copies every file that one of its own imports", () => {
    const files = copied.flatMap((source) => [
      ...globSync(`${source}/**/*.ts`, { cwd: CHECKOUT }),
      ...(source.endsWith(".ts") ? [source] : []),
    ]);
    expect(files.length).toBeGreaterThan(400);
    const missing = files.flatMap((file) =>
      [...read(file).matchAll(/(?:from|import|import\()\s*"(\.{1,2}\/[^"]+)"/g)].flatMap(([, to = ""]) => {
        const path = relative(CHECKOUT, normalize(join(CHECKOUT, dirname(file), to)));
        return isCopied(path) ? [] : [`${file} imports ${path}`];
      })
    );
    expect(missing).toEqual([]);
    for (
      const path of ["proxy/main.deno.ts", "proxy/main.node.ts", "proxy/deno-flags.json", "cli/main.ts", "deno.json"]
    ) {
      expect(isCopied(path), path).toBe(true);
    }
  });

  it("runs as a user of its own, is looked after, and has no secret and no other download", () => {
    expect(named("USER").at(-1)).toEqual(["comfyfleet"]);
    expect(named("HEALTHCHECK")).toHaveLength(1);
    for (const words of [...named("ENTRYPOINT"), ...named("CMD")]) {
      expect(z.array(z.string()).safeParse(JSON.parse(words.join(" "))).success).toBe(true);
    }
    for (const [folder = ""] of named("WORKDIR")) expect(folder).toMatch(/^\//);
    expect(named("ADD")).toEqual([]);
    expect(named("ARG")).toEqual([]);
    const settings = named("ENV").flat().map((word) => word.split("=", 1)[0]);
    expect(settings.filter((name) => /KEY|SECRET|TOKEN|PASSWORD/.test(name ?? ""))).toEqual([]);
    expect(named("RUN").flat().filter((word) => /^(?:curl|wget|apt-get|apt|sudo|pip|npx)$/.test(word))).toEqual([]);
    expect(copied.filter((source) => source === "." || source.includes("*"))).toEqual([]);
  });

  it("sets what its entrypoint would take by itself", () => {
    const script = read("docker/edge/entrypoint.sh");
    const defaults = new Map([...script.matchAll(/"\$\{(\w+):=([^}]*)\}"/g)].map(([, name, value]) => [name, value]));
    const settings = named("ENV").flat().map((word) => word.split("=", 2));
    const both = settings.filter(([name]) => defaults.has(name) && name !== "EDGE_RUNTIME");
    expect(both.length).toBeGreaterThan(3);
    for (const [name, value] of both) expect(defaults.get(name), name).toBe(value);
    expect(defaults.get("EDGE_RUNTIME")).toBe("deno");
    expect(settings.filter(([name]) => name === "EDGE_RUNTIME").map(([, value]) => value)).toEqual(["node", "deno"]);
  });
});
