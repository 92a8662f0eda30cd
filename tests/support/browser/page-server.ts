/** Serves the built client and its dependencies as they lie on disk, as ES modules with an import map: no bundler. */
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { repositoryRoot } from "../../run/run-step.ts";

const run = promisify(execFile);
const Import = z.object({ specifier: z.string(), parent: z.string().nullable(), url: z.string() });
export type Import = z.infer<typeof Import>;

/** Compiles what `npm run build` compiles, beside dist/, which other suites may be writing. @returns its folder */
export async function buildClient(): Promise<string> {
  const folder = join(repositoryRoot, ".tmp", "browser");
  await run(join(repositoryRoot, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json", "--outDir", folder], {
    cwd: repositoryRoot,
    timeout: 60_000,
  });
  return join(folder, "client");
}

/** Everything that `import "mod.js"` loads. */
export async function importsOf(module: string): Promise<Import[]> {
  const recorder = fileURLToPath(new URL("record-imports.ts", import.meta.url));
  const { stdout } = await run(process.execPath, ["--conditions=browser", recorder, module], { timeout: 30_000 });
  return stdout.trim().split("\n").map((line) => Import.parse(JSON.parse(line)));
}

/** @throws Error when two modules mean different files by one name: an import map has one answer */
function importMap(imports: readonly Import[], pathOf: (url: string) => string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const { specifier, url } of imports) {
    if (/^(?:\.|\/|file:)/.test(specifier)) continue;
    const path = pathOf(url);
    if ((map[specifier] ??= path) !== path) throw new Error(`'${specifier}' is both ${map[specifier]} and ${path}`);
  }
  return map;
}

export interface PageServer extends AsyncDisposable {
  readonly port: number;
  /** Paths that were asked for and are no module of the client. */
  readonly missed: string[];
}

/** Its page sets `globalThis.comfy` to the client's module, then `globalThis.loaded`. */
export async function servePage(module: string): Promise<PageServer> {
  const imports = await importsOf(module);
  const pathOf = (url: string) => url.startsWith("file:") ? fileURLToPath(url).slice(repositoryRoot.length) : url;
  const files = new Map(imports.map(({ url }) => [pathOf(url), url]));
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: importMap(imports, pathOf) })}</script>
<script type="module">
globalThis.comfy = await import(${JSON.stringify(module.slice(repositoryRoot.length))});
globalThis.loaded = true;
</script>`;
  const missed: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (path === "/") return void response.setHeader("content-type", "text/html").end(page);
    const url = files.get(path);
    const text = url?.startsWith("file:") ? await readFile(new URL(url)).catch(() => null) : null;
    if (text !== null) return void response.setHeader("content-type", "text/javascript").end(text);
    missed.push(path);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    missed,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
