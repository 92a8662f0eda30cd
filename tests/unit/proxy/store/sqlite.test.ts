import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { JobId } from "../../../../contracts/ids.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { openSqliteStore } from "../../../../proxy/store/sqlite/open.ts";
import { all, run } from "../../../../proxy/store/transaction.ts";
import { z } from "zod";
import { newEdgeId, newPodId } from "./samples.ts";

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "comfyfleet-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const writer = fileURLToPath(new URL("./writer-process.ts", import.meta.url));

const RUNTIMES = {
  node: (path: string) => spawn(process.execPath, [writer, path], { stdio: ["ignore", "pipe", "inherit"] }),
  deno: (path: string) => {
    const permissions = [`--allow-read=${dirname(path)}`, `--allow-write=${dirname(path)}`, "--allow-env=NODE_ENV"];
    const args = ["run", "--no-prompt", "--config", join(repository, "deno.json"), ...permissions, writer, path];
    return spawn(join(repository, "node_modules", ".bin", "deno"), args, { stdio: ["ignore", "pipe", "inherit"] });
  },
};

const bytes = (...values: number[]) => new Uint8Array(values);

async function failure(promise: Promise<unknown>): Promise<FleetError> {
  const error = await promise.then(() => null, (thrown: unknown) => thrown);
  if (!FleetError.is(error)) throw new Error(`expected a FleetError, got ${String(error)}`);
  return error;
}

describe("openSqliteStore()", () => {
  it("openSqliteStore() makes a private folder and private files", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "edge", "edge.db");
    const store = await openSqliteStore({ path });
    const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
    expect(mode(dirname(path))).toBe("700");
    expect([path, `${path}-wal`, `${path}.lock`].map(mode)).toEqual(["600", "600", "600"]);
    await store.close();
    await store.close();
    chmodSync(path, 0o644);
    await (await openSqliteStore({ path })).close();
    expect(mode(path)).toBe("600");
  });

  it("openSqliteStore() refuses a file that another store of this process uses, until that one is closed", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "edge.db");
    const first = await openSqliteStore({ path });
    for (let i = 0; i < 3; i++) expect((await failure(openSqliteStore({ path }))).code).toBe("conflict");
    await first.close();
    await (await openSqliteStore({ path })).close();
  });

  it("openSqliteStore() frees what a dead edge held, with its epochs kept as fences", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "edge.db");
    const [first, second] = [newEdgeId(), newEdgeId()];
    const before = await openSqliteStore({ path });
    const pod = await before.registerPod({ id: newPodId(), name: "a", transportKey: "a" });
    expect(await before.takePod({ podId: pod.id, edgeId: first, leaseMs: 60_000 })).toEqual({ epoch: 1 });
    expect(await before.takePod({ podId: pod.id, edgeId: second, leaseMs: 60_000 })).toBeNull();
    await before.takeRole({ role: "planner", edgeId: first, leaseMs: 60_000 });
    await before.close();
    const store = await openSqliteStore({ path });
    expect(await store.takePod({ podId: pod.id, edgeId: second, leaseMs: 60_000 })).toEqual({ epoch: 2 });
    expect(await store.takeRole({ role: "planner", edgeId: second, leaseMs: 60_000 })).toMatchObject({ epoch: 2 });
    await store.close();
  });

  it("openSqliteStore() refuses the schema of a newer build, and leaves it alone", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "edge.db");
    const newer = { version: MIGRATIONS.length + 1, statements: ["create table later (id text)"] };
    const driver = createSqliteDriver({ path, now: Date.now });
    await migrate(driver, [...MIGRATIONS, newer]);
    await migrate(driver, [...MIGRATIONS, newer]);
    await driver.close();
    const error = await failure(openSqliteStore({ path }));
    const known = MIGRATIONS.length;
    expect(error.message).toContain(`its schema is ${known + 1}, this build knows up to ${known}`);
    expect(error.hint).toMatch(/newer version/);
    expect((await failure(openSqliteStore({ path }))).message).toBe(error.message);
  });

  it("openSqliteStore() says what is wrong with a file that is no database, and lets go of it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "edge.db");
    writeFileSync(path, "this is no database, but it is long enough to be looked at".repeat(20));
    const error = await failure(openSqliteStore({ path }));
    expect(error.message).toMatch(/^Cannot open the store .*: file is not a database$/);
    expect((await failure(openSqliteStore({ path }))).message).toBe(error.message);
    rmSync(path);
    await (await openSqliteStore({ path })).close();
  });

  it("migrate() leaves nothing of a step that fails", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: Date.now });
    const broken = { version: 1, statements: ["create table kept (id text)", "create nonsense"] };
    await expect(migrate(driver, [broken])).rejects.toThrow(/syntax/);
    const tables = await driver.read(() => all("select name from sqlite_master where name = 'kept'", [], z.unknown()));
    expect(tables).toEqual([]);
    await driver.close();
  });
});

describe("createSqliteDriver()", () => {
  it("write() undoes everything when the transaction throws, and the next one works", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: Date.now });
    await driver.write(() => run("create table t (id integer primary key)", []));
    const failing = driver.write(function* () {
      yield* run("insert into t values ($1)", [1]);
      throw new Error("broken");
    });
    await expect(failing).rejects.toThrow("broken");
    await driver.write(() => run("insert into t values ($1)", [2]));
    expect(await driver.read(() => all("select id from t", [], z.object({ id: z.int() })))).toEqual([{ id: 2 }]);
    await driver.close();
  });

  it("rows have the names of their columns, and each value as it is stored", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: Date.now });
    await driver.write(() => run("create table t (id integer primary key, a text, b blob)", []));
    await driver.write(() => run("insert into t values ($1, $2, $3), ($4, $5, $6)", [1, "x", bytes(7), 2, null, null]));
    const read = (limit: number) =>
      driver.read(() => all(`select id as "at", a, b from t order by id limit $1`, [limit], z.unknown()));
    expect(await read(2)).toEqual([{ at: 1, a: "x", b: bytes(7) }, { at: 2, a: null, b: null }]);
    expect(await read(1)).toEqual([{ at: 1, a: "x", b: bytes(7) }]);
    expect(await read(0)).toEqual([]);
    await driver.close();
  });

  it("createSqliteDriver() keeps a file in WAL mode with full syncs and foreign keys", async () => {
    using folder = temporaryFolder();
    const driver = createSqliteDriver({ path: join(folder.path, "edge.db"), now: Date.now });
    const pragma = async (name: string) => await driver.read(() => all(`pragma ${name}`, [], z.unknown()));
    expect(await pragma("journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(await pragma("synchronous")).toEqual([{ synchronous: 2 }]);
    expect(await pragma("foreign_keys")).toEqual([{ foreign_keys: 1 }]);
    await driver.close();
  });
});

describe.each(Object.entries(RUNTIMES))("an edge on %s that is killed", (_, start) => {
  it("a killed edge has kept every job it accepted, and the next one takes over at once", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "edge.db");
    const child = start(path);
    const accepted: JobId[] = [];
    const lines = createInterface(child.stdout);
    const enough = Promise.withResolvers<void>();
    let opened = false;
    lines.on("line", (line) => {
      if (opened) accepted.push(JobId.parse(line));
      opened = true;
      if (accepted.length === 300) enough.resolve();
    });
    child.once("exit", () => enough.reject(new Error("the writer ended by itself")));
    await enough.promise;

    const refused = await failure(openSqliteStore({ path }));
    expect(refused).toMatchObject({ code: "conflict", message: expect.stringMatching(/another edge is using it/) });

    child.kill("SIGKILL");
    await Promise.all([once(child, "exit"), once(lines, "close")]);
    expect(existsSync(`${path}.lock`)).toBe(true);
    const startedMs = performance.now();
    const store = await openSqliteStore({ path });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    const found = await Promise.all(
      accepted.map(async (id) => await store.getJob(id) !== null && await store.getSpec(id)),
    );
    expect(found.filter(Boolean)).toHaveLength(accepted.length);
    await store.close();
  });
});
