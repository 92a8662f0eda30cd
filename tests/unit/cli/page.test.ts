import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import superjson from "superjson";
import { runProgram } from "../../../cli/program.ts";

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** An edge whose every list is empty and goes on; keeps the inputs that it was asked with. */
async function emptyEdge() {
  const asked: { procedure: string; input: unknown }[] = [];
  const listening = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://edge");
    const input = superjson.parse(url.searchParams.get("input") ?? "null");
    asked.push({ procedure: url.pathname.replace("/trpc/", ""), input });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ result: { data: superjson.serialize({ items: [], nextCursor: "further" }) } }));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { asked, env: { COMFYFLEET_URL: `http://127.0.0.1:${port}`, COMFYFLEET_KEY: "cfl_some_key" } };
}

async function program(argv: string[], env: Record<string, string>) {
  let stdout = "";
  const code = await runProgram(argv, {
    ...{ version: "1.2.3", command: "comfyfleet", env },
    terminal: { stdout: { write: (chunk) => (stdout += chunk) }, stderr: { write: () => true } },
    interrupted: new AbortController().signal,
  });
  return { code, stdout };
}

describe.each(["jobs", "services", "pods", "keys"])("comfyfleet %s ls", (noun) => {
  it("asks for a page of fifty, and of what --limit and --cursor say", async () => {
    const { asked, env } = await emptyEdge();
    await program([noun, "ls"], env);
    await program([noun, "ls", "--limit", "7", "--cursor", "there"], env);
    expect(asked).toMatchObject([
      { procedure: `${noun}.list`, input: { limit: 50 } },
      { procedure: `${noun}.list`, input: { limit: 7, cursor: "there" } },
    ]);
  });

  it("says where the next page begins, also in JSON", async () => {
    const { env } = await emptyEdge();
    const { code, stdout } = await program([noun, "ls"], env);
    expect([code, stdout.endsWith("\nMore: --cursor further\n")]).toEqual([0, true]);
    const json = await program([noun, "ls", "--json"], env);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, data: { nextCursor: "further" } });
  });

  it.each(["0", "101", "many"])("refuses --limit %s", async (limit) => {
    expect((await program([noun, "ls", "--limit", limit], {})).code).toBe(2);
  });
});
