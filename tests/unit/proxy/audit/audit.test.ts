import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { AuditEntry } from "../../../../contracts/audit.ts";
import type { EdgeContext } from "../../../../contracts/edge/ports.ts";
import { edgeRouter } from "../../../../contracts/edge/router.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import type { Caller, Scope } from "../../../../contracts/tenant.ts";
import { createAudit } from "../../../../proxy/audit/audit.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { memoryStore, type TestStore } from "../store/memory-store.ts";
import { newKeyId, newPodId } from "../store/samples.ts";

/** The edge's router over a real audit; its other ports do what the test says. */
function setUp(t: TestStore, ports: object = {}) {
  const audit = createAudit({ store: t.store, logger: silentLogger });
  const keyId = newKeyId();
  const call = async (path: string, input: unknown, scopes: Scope[] = ["admin"]) => {
    const caller: Caller = { keyId, tenantId: t.tenantId, scopes };
    const body = typeof input === "string" ? input : superjson.stringify(input);
    const response = await fetchRequestHandler({
      endpoint: "/trpc",
      req: new Request(`http://edge/trpc/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      }),
      router: edgeRouter,
      createContext: () => ({ requestId: "req-7", caller, audit, ...ports }) as unknown as EdgeContext,
    });
    return response.status;
  };
  return { audit, keyId, call, all: async () => (await audit.list({ limit: 100 })).items };
}

describe("the audit", () => {
  it("has an act before it is done, and how it ended after it", async () => {
    await using t = await memoryStore();
    const podId = newPodId();
    let during: AuditEntry[] = [];
    const pods = {
      drain: async () => {
        during = await all();
        return null;
      },
    };
    const { call, keyId, all } = setUp(t, { pods });
    await call("pods.drain", { podId, reason: "fans are loud" }, ["pods:operate"]);
    const entry = {
      at: new Date(t.time.nowMs).toISOString(),
      keyId,
      tenantId: t.tenantId,
      action: "pods.drain",
      target: podId,
      reason: "fans are loud",
      requestId: "req-7",
    };
    expect(during).toMatchObject([{ ...entry, outcome: null }]);
    // What the port answered is no pod: the edge's own fault, and said so.
    expect((await all()).map((one) => AuditEntry.parse(one))).toMatchObject([{ ...entry, outcome: "internal" }]);
  });

  it("names what was made, and never the key itself", async () => {
    await using t = await memoryStore();
    const made = { id: newKeyId(), tenantId: t.tenantId, name: "n", scopes: [], revokedAt: null, key: "cfl_secret" };
    const keys = { create: () => Promise.resolve({ ...made, createdAt: new Date(0).toISOString() }) };
    const { call, all } = setUp(t, { keys });
    expect(await call("keys.create", { name: "n" })).toBe(200);
    expect(await all()).toMatchObject([{ action: "keys.create", target: made.id, outcome: "ok" }]);
    expect(JSON.stringify(await all())).not.toContain("secret");
  });

  it("has what was refused, in the words of the refusal; of callers without the scope nothing", async () => {
    await using t = await memoryStore();
    const keys = { revoke: () => Promise.reject(new FleetError("not_found", "Cannot revoke: no such key")) };
    const { call, all } = setUp(t, { keys });
    const keyId = newKeyId();
    expect(await call("keys.revoke", { keyId })).toBe(404);
    expect(await call("keys.revoke", { keyId: "no id: <b>" })).toBe(400);
    expect(await call("keys.revoke", "{not json")).toBe(400);
    expect(await call("keys.revoke", { keyId }, ["pods:operate"])).toBe(403);
    expect((await all()).map(({ target, outcome }) => [target, outcome])).toEqual([
      [null, "invalid_input"],
      [keyId, "not_found"],
    ]);
  });

  it("is not done when it cannot be written", async () => {
    await using t = await memoryStore();
    let done = 0;
    const keys = { revoke: () => Promise.resolve(done += 1) };
    const { call } = setUp(t, { keys, audit: { begin: () => Promise.reject(new Error("the disk is full")) } });
    expect(await call("keys.revoke", { keyId: newKeyId() })).toBe(500);
    expect(done).toBe(0);
  });

  it("is done, and told as done, when only its end cannot be written", async () => {
    await using t = await memoryStore();
    const lines: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void lines.push(message) };
    const store = Object.assign(Object.create(t.store) as typeof t.store, {
      endAct: () => Promise.reject(new Error("the disk is full")),
    });
    const keys = { revoke: () => Promise.resolve() };
    const { call, all } = setUp(t, { keys, audit: createAudit({ store, logger }) });
    await call("keys.revoke", { keyId: newKeyId() });
    expect(await all()).toMatchObject([{ action: "keys.revoke", outcome: null }]);
    expect(lines).toEqual(["audit entry not ended"]);
  });

  it("lists pages, newest first", async () => {
    await using t = await memoryStore();
    const { audit, keyId } = setUp(t);
    for (const action of ["a", "b", "c"]) {
      t.time.nowMs += 1;
      const act = { keyId, tenantId: t.tenantId, action, target: null, reason: null, requestId: "r" };
      await (await audit.begin(act)).end("ok", "made");
    }
    const first = await audit.list({ limit: 2 });
    expect(first.items.map(({ action, target }) => `${action} ${target}`)).toEqual(["c made", "b made"]);
    const rest = await audit.list({ limit: 2, cursor: first.nextCursor });
    expect(rest.items.map(({ action }) => action)).toEqual(["a"]);
    expect(rest.nextCursor).toBeNull();
  });
});
