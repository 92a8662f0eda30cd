import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SystemInfo } from "../../../../contracts/system.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { EDGE_VERSION } from "../../../../proxy/system/edge-version.ts";
import { createSystem } from "../../../../proxy/system/info.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newPodId } from "../store/samples.ts";

const config = { MAX_WORKFLOW_BYTES: 1, MAX_UPLOAD_BYTES: 2, JOB_RUN_TIMEOUT_MS: 3, JOB_MAX_LOSSES: 4 };

describe("system.info", () => {
  it("counts pods by phase and the slots of those that are ready, and names none of them", async () => {
    await using t = await memoryStore();
    await t.store.registerPod({ id: newPodId(), name: "secret-name", transportKey: "a" });
    await t.addPod(null);
    await t.addPod(null);
    const info = await createSystem({ store: t.store, runtime: { name: "node", version: "24.0.0" }, config }).info();
    expect(SystemInfo.parse(info)).toEqual(info);
    expect(info).toEqual({
      version: EDGE_VERSION,
      protocol: { min: 1, max: 2 },
      runtime: { name: "node", version: "24.0.0" },
      schemaVersion: MIGRATIONS.length,
      limits: {
        maxWorkflowBytes: 1,
        maxUploadBytes: 2,
        maxPageItems: 100,
        maxJobWaitMs: 25_000,
        defaultRunWithinMs: 3,
        maxLosses: 4,
      },
      fleet: { pods: 3, podsByPhase: { joining: 1, ready: 2 }, slotsTotal: 2, slotsBusy: 0 },
    });
    expect(JSON.stringify(info)).not.toContain("secret-name");
  });
});

describe("EDGE_VERSION", () => {
  it("is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8"));
    expect(EDGE_VERSION).toBe(version);
  });
});
