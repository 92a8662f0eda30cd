/** Values that the store's tests put in: valid, small, and told apart by number. */
import { createHash } from "node:crypto";
import { typeid } from "typeid-js";
import type { Output } from "../../../../contracts/asset.ts";
import {
  AssetId,
  AttemptId,
  BootId,
  EdgeId,
  JobId,
  KeyId,
  PodId,
  type Sha256,
  TenantId,
} from "../../../../contracts/ids.ts";
import type { JobError } from "../../../../contracts/job.ts";
import type { Receipt } from "../../../../contracts/receipt.ts";
import type { NewAsset } from "../../../../proxy/store/asset-store.ts";
import type { NewJob } from "../../../../proxy/store/new-job.ts";
import type { PodObservation } from "../../../../proxy/store/pod-store.ts";

export const newJobId = () => JobId.parse(typeid("job").toString());
export const newAttemptId = () => AttemptId.parse(typeid("att").toString());
export const newPodId = () => PodId.parse(typeid("pod").toString());
export const newBootId = () => BootId.parse(typeid("boot").toString());
export const newEdgeId = () => EdgeId.parse(typeid("edge").toString());
export const newAssetId = () => AssetId.parse(typeid("asset").toString());
export const newTenantId = () => TenantId.parse(typeid("tenant").toString());
export const newKeyId = () => KeyId.parse(typeid("key").toString());

export function sha256(text: string): Sha256 {
  return createHash("sha256").update(text).digest("hex");
}

export function sampleJob(tenantId: TenantId, change: Partial<NewJob> = {}): NewJob {
  return {
    id: newJobId(),
    tenantId,
    spec: { kind: "workflow", workflow: { "1": { class_type: "EmptyImage", inputs: { width: 8 } } } },
    service: null,
    placementKey: "EmptyImage",
    needs: { classes: ["EmptyImage"], models: [] },
    priority: "normal",
    idempotency: null,
    requestSha256: sha256("request"),
    startWithinMs: null,
    runWithinMs: 60_000,
    retryOf: null,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    sealedKey: null,
    metadata: {},
    assetIds: [],
    maxQueued: 10_000,
    ...change,
  };
}

export function sampleAsset(tenantId: TenantId, change: Partial<NewAsset> = {}): NewAsset {
  return {
    id: newAssetId(),
    tenantId,
    filePath: "a.png",
    contentType: "image/png",
    sizeBytes: 3,
    sha256: sha256("bytes"),
    blake3: null,
    ...change,
  };
}

export function sampleOutput(jobId: JobId, asset: NewAsset): Output {
  const { filePath: name, contentType, sizeBytes, sha256: hash, id: assetId } = asset;
  return { jobId, nodeId: "1", name, type: "image", contentType, sizeBytes, sha256: hash, assetId, temporary: false };
}

export const sampleReceipt: Receipt = {
  graphSha256: sha256("graph"),
  service: null,
  pod: null,
  comfyVersion: "0.33.0",
  agentVersion: "0.1.0",
  objectInfoSha256: null,
  gpu: null,
  models: [],
  cached: false,
  attempts: 1,
  losses: 0,
  gpuSeconds: null,
  traceId: null,
  timing: { queueMs: 1, assignMs: 2, executeMs: 3, modelLoadMs: null, collectMs: 4, storeMs: 5, totalMs: 15 },
};

export const sampleError: JobError = { code: "execution_failed", message: "Cannot run node 1: it raised" };

export function sampleObservation(objectInfoSha256: string | null = null): PodObservation {
  return {
    phase: "ready",
    bootId: newBootId(),
    slotsTotal: 1,
    slotsBusy: 0,
    capability: {
      agentVersion: "0.1.0",
      comfyVersion: "0.33.0",
      comfyMode: "supervised",
      devices: [{ name: "GPU", type: "cuda", vramTotalBytes: 24e9 }],
      objectInfoSha256,
    },
    conditions: [],
  };
}
