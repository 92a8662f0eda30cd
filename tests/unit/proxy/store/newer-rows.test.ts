// Rows as a newer edge may have written them, read by this one after a roll-back.
import { describe, expect, it } from "vitest";
import { run } from "../../../../proxy/store/transaction.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { newAssetId, newPodId, sha256 } from "./samples.ts";

async function write(t: TestStore, sql: string, value: unknown): Promise<void> {
  await t.driver.write(() => run(sql, [typeof value === "string" ? value : JSON.stringify(value)]));
}

describe("rows of a newer edge", () => {
  it("getPod() leaves out conditions it has no word for, and has a word for phase and mode", async () => {
    await using t = await memoryStore();
    const { id } = await t.store.registerPod({ id: newPodId(), name: "a", transportKey: "a" });
    const known = { type: "Reachable", status: "true", reason: "R", message: "m", since: "2026-01-01T00:00:00.000Z" };
    await write(t, "update pod set conditions = $1", [{ ...known, type: "Weather" }, known]);
    await write(t, "update pod set phase = $1", "upgrading");
    const capability = { agentVersion: "9", comfyVersion: null, devices: [], objectInfoSha256: null };
    await write(t, "update pod set capability = $1", { ...capability, comfyMode: "borrowed" });
    expect(await t.store.getPod(id)).toMatchObject({
      conditions: [known],
      phase: "joining",
      capability: { ...capability, comfyMode: "attached" },
    });
    expect(await t.store.listActivePods()).toHaveLength(1);
  });

  it("getJob() reads an unknown error code as internal and an unknown kind of output as a file", async () => {
    await using t = await memoryStore();
    const { id } = await t.submit();
    await write(t, "update job set error = $1", { code: "quantum_flip", message: "Cannot hold still" });
    const output = { jobId: id, nodeId: "1", name: "a.glb", contentType: "model/gltf-binary", sizeBytes: 1 };
    const rest = { sha256: sha256("a"), assetId: newAssetId(), temporary: false };
    await write(t, "update job set outputs = $1", [{ ...output, ...rest, type: "scene" }]);
    expect(await t.job(id)).toMatchObject({
      error: { code: "internal", message: "Cannot hold still" },
      outputs: [{ type: "file", name: "a.glb" }],
    });
  });

  it("findKey() gives a key the scopes that this edge knows", async () => {
    await using t = await memoryStore();
    const key = { id: "key_00000000000000000000000001" as const, tenantId: t.tenantId, name: "k" };
    await t.store.createKey({ ...key, scopes: ["jobs:read"], secretSha256: sha256("s") });
    await write(t, "update api_key set scopes = $1", ["jobs:dream", "jobs:read"]);
    expect((await t.store.findKey(key.id))?.scopes).toEqual(["jobs:read"]);
  });
});
