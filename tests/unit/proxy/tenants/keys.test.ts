import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { type Caller, TENANT_SCOPES } from "../../../../contracts/tenant.ts";
import type { TenantStore } from "../../../../proxy/store/port.ts";
import { mintKey, parseKey } from "../../../../proxy/tenants/api-key.ts";
import { createAuthenticator } from "../../../../proxy/tenants/authenticate.ts";
import { ensureFirstKey } from "../../../../proxy/tenants/first-key.ts";
import { createKeysPort } from "../../../../proxy/tenants/keys.ts";
import { createTenantsPort } from "../../../../proxy/tenants/tenants.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newKeyId, newTenantId } from "../store/samples.ts";

function setUp(store: TenantStore) {
  const time = { nowMs: 0 };
  const authenticator = createAuthenticator({ store, monotonicMs: () => time.nowMs });
  return { time, authenticator, keys: createKeysPort({ store, authenticator }) };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => null, (error: unknown) => FleetError.is(error) ? error.code : error);
}

describe("mintKey() and parseKey()", () => {
  it("mintKey() makes keys that parseKey() reads, whatever the secret's characters", () => {
    for (const byte of [0x00, 0xff, 0xfb]) {
      const minted = mintKey((size) => new Uint8Array(size).fill(byte));
      expect(minted.key).toMatch(/^cfl_[0-9a-z]{26}_[A-Za-z0-9_-]{43}$/);
      expect(parseKey(minted.key)).toEqual({ id: minted.id, secretSha256: minted.secretSha256 });
    }
    expect(mintKey().secretSha256).not.toBe(mintKey().secretSha256);
  });

  it("parseKey() returns null for everything that is no key", () => {
    const { key } = mintKey();
    const wrong = ["", "cfl_", key.slice(1), `${key}A`, key.slice(0, -1), ` ${key}`, key.replace("cfl", "sk")];
    wrong.push(key.toUpperCase(), key.replace(/^cfl_./, "cfl_9"), key.replace(/_/g, "-"), "cfl_é_é", `${key}\n`);
    for (const text of wrong) expect(parseKey(text), text).toBeNull();
  });
});

describe("authenticate()", () => {
  it("authenticate() finds the caller of a key, with the scheme in any case", async () => {
    await using t = await memoryStore();
    const { authenticator, keys } = setUp(t.store);
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const { key, id } = await keys.create(admin, { name: "app" });
    const caller = { keyId: id, tenantId: t.tenantId, scopes: TENANT_SCOPES };
    expect(await authenticator.authenticate(`Bearer ${key}`)).toEqual(caller);
    expect(await authenticator.authenticate(`bearer  ${key} `)).toEqual(caller);
  });

  it("authenticate() returns null for a header that is missing, malformed, unknown or has another secret", async () => {
    await using t = await memoryStore();
    const { authenticator, keys } = setUp(t.store);
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const { key } = await keys.create(admin, { name: "app" });
    const otherSecret = `${key.slice(0, 31)}${mintKey().key.slice(31)}`;
    expect(parseKey(otherSecret)?.id).toBe(parseKey(key)?.id);
    for (
      const header of [
        null,
        "",
        key,
        `Basic ${key}`,
        "Bearer",
        "Bearer x",
        `Bearer ${key} x`,
        `Bearer ${mintKey().key}`,
        `Bearer ${otherSecret}`,
      ]
    ) {
      expect(await authenticator.authenticate(header), String(header)).toBeNull();
    }
  });

  it("authenticate() refuses a key at once after revoke() here, and within 5 s elsewhere", async () => {
    await using t = await memoryStore();
    const [here, elsewhere] = [setUp(t.store), setUp(t.store)];
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const { key, id } = await here.keys.create(admin, { name: "app" });
    const header = `Bearer ${key}`;
    expect(await here.authenticator.authenticate(header)).not.toBeNull();
    expect(await elsewhere.authenticator.authenticate(header)).not.toBeNull();
    await here.keys.revoke(id);
    expect(await here.authenticator.authenticate(header)).toBeNull();
    elsewhere.time.nowMs += 4_999;
    expect(await elsewhere.authenticator.authenticate(header)).toBeNull();
  });

  it("authenticate() asks the store once while it believes a key, and never keeps an answer from before forget()", async () => {
    await using t = await memoryStore();
    const asked: PromiseWithResolvers<void>[] = [];
    const slow = {
      ...t.store,
      findKey: async (id: Parameters<TenantStore["findKey"]>[0]) => {
        const record = await t.store.findKey(id);
        const gate = Promise.withResolvers<void>();
        asked.push(gate);
        await gate.promise;
        return record;
      },
    };
    const { authenticator, keys } = setUp(slow);
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const { key, id } = await keys.create(admin, { name: "app" });
    const header = `Bearer ${key}`;
    const early = authenticator.authenticate(header);
    await expect.poll(() => asked.length).toBe(1);
    await keys.revoke(id);
    asked[0]?.resolve();
    await early;
    const later = authenticator.authenticate(header);
    await expect.poll(() => asked.length).toBe(2);
    asked[1]?.resolve();
    expect(await later).toBeNull();
    expect(await authenticator.authenticate(header)).toBeNull();
    expect(asked).toHaveLength(2);
  });
});

describe("createKeysPort()", () => {
  it("create() says the key once: the store and the list have only its hash", async () => {
    await using t = await memoryStore();
    const { keys } = setUp(t.store);
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const { key, ...made } = await keys.create(admin, { name: "app", scopes: ["jobs:read", "jobs:read"] });
    expect(made).toMatchObject({ tenantId: t.tenantId, name: "app", scopes: ["jobs:read"], revokedAt: null });
    expect(await keys.list({ limit: 10 })).toEqual({ items: [made], nextCursor: null });
    expect(JSON.stringify(await t.store.findKey(made.id))).not.toContain(key.slice(31));
  });

  it("create() makes keys for other tenants that exist", async () => {
    await using t = await memoryStore();
    const { keys } = setUp(t.store);
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const other = await createTenantsPort(t.store).create({ name: "other" });
    expect(await keys.create(admin, { name: "", tenantId: other.id })).toMatchObject({ tenantId: other.id });
    expect(await failure(keys.create(admin, { name: "", tenantId: newTenantId() }))).toBe("not_found");
  });

  it("list() pages newest first; revoke() keeps the first time and refuses an unknown id", async () => {
    await using t = await memoryStore();
    const { keys } = setUp(t.store);
    const admin: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: ["admin"] };
    const made: string[] = [];
    for (const name of ["a", "b", "c"]) {
      t.time.nowMs += 1;
      made.unshift((await keys.create(admin, { name })).id);
    }
    const first = await keys.list({ limit: 2 });
    const second = await keys.list({ limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((key) => key.id)).toEqual(made);
    const [{ id } = { id: newKeyId() }] = first.items;
    const revoked = await keys.revoke(id);
    expect(revoked.revokedAt).toBe(new Date(t.time.nowMs).toISOString());
    t.time.nowMs += 1_000;
    expect(await keys.revoke(id)).toEqual(revoked);
    expect(await failure(keys.revoke(newKeyId()))).toBe("not_found");
  });
});

describe("ensureFirstKey()", () => {
  it("ensureFirstKey() mints one administrator key into an empty store, once", async () => {
    await using t = await memoryStore();
    const { authenticator } = setUp(t.store);
    const first = await ensureFirstKey({ store: t.store });
    if (first.status !== "minted") throw new Error(`expected minted, got ${first.status}`);
    const caller = await authenticator.authenticate(`Bearer ${first.key}`);
    expect(caller?.scopes).toEqual(["admin"]);
    expect(await t.store.getTenant(caller?.tenantId ?? newTenantId())).toMatchObject({ name: "default" });
    expect(await ensureFirstKey({ store: t.store })).toEqual({ status: "exists" });
    expect((await t.store.listKeys({ limit: 10 })).items).toHaveLength(1);
  });

  it("ensureFirstKey() stores a given key once, and neither revives nor replaces keys", async () => {
    await using t = await memoryStore();
    const { authenticator } = setUp(t.store);
    const bootstrapKey = mintKey().key;
    expect(await ensureFirstKey({ store: t.store, bootstrapKey: `${bootstrapKey}\n` })).toEqual({ status: "stored" });
    const caller = await authenticator.authenticate(`Bearer ${bootstrapKey}`);
    expect(caller?.scopes).toEqual(["admin"]);
    await t.store.revokeKey(caller?.keyId ?? newKeyId());
    authenticator.forget(caller?.keyId ?? newKeyId());
    expect(await ensureFirstKey({ store: t.store, bootstrapKey })).toEqual({ status: "present" });
    expect(await authenticator.authenticate(`Bearer ${bootstrapKey}`)).toBeNull();
    const other = mintKey().key;
    expect(await ensureFirstKey({ store: t.store, bootstrapKey: other })).toEqual({ status: "ignored" });
    expect(await authenticator.authenticate(`Bearer ${other}`)).toBeNull();
  });

  it("ensureFirstKey() refuses a key that is none, and stores nothing", async () => {
    await using t = await memoryStore();
    for (const bootstrapKey of ["", "secret", "x".repeat(64), `cfl_${"0".repeat(26)}_short`]) {
      expect(await failure(ensureFirstKey({ store: t.store, bootstrapKey }))).toBe("invalid_input");
    }
    expect(await t.store.hasKeys()).toBe(false);
  });
});
