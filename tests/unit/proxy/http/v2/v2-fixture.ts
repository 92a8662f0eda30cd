// The routes of v2 over services of the test's own: what is behind them is faked at the ports of jobs and assets.
import { expect } from "vitest";
import type { z } from "zod";
import { schemas } from "@comfyorg/sdk/low";
import type { Asset, Output } from "../../../../../contracts/asset.ts";
import { typeidOf } from "../../../../../contracts/ids.ts";
import type { Job } from "../../../../../contracts/job.ts";
import { newTrace } from "../../../../../contracts/telemetry/trace-context.ts";
import type { Caller } from "../../../../../contracts/tenant.ts";
import { createV2 } from "../../../../../proxy/http/v2/app.ts";
import type { V2Options } from "../../../../../proxy/http/v2/request.ts";
import { openEdgeSecret } from "../../../../../proxy/secrets/edge-secret.ts";
import { createUrlSigner } from "../../../../../proxy/secrets/url-signer.ts";
import { createManualClock } from "../../jobs/manual-clock.ts";
import { tenantId } from "../../jobs/ids.ts";
import { silentLogger } from "../../jobs/silent-logger.ts";

/** The nth UUID, and our ids with it. */
export const uuid = (n: number) => `01890000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const idOf = <P extends string>(prefix: P, n: number) => {
  const id = typeidOf(prefix, uuid(n));
  if (id === null) throw new Error("no UUID");
  return id;
};
export const jobIdAt = (n: number) => idOf("job", n);
export const assetIdAt = (n: number) => idOf("asset", n);

export const TENANT = tenantId(1);
export const CALLER: Caller = {
  keyId: "key_00000000000000000000000001",
  tenantId: TENANT,
  scopes: ["jobs:read", "jobs:write", "assets:read", "assets:write"],
};

const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1_000).toISOString();

export function jobOf(fields: Partial<Job> = {}): Job {
  return {
    id: jobIdAt(1),
    tenantId: TENANT,
    kind: "workflow",
    service: null,
    retryOf: null,
    state: "queued",
    priority: "normal",
    ver: 1,
    attempt: 0,
    losses: 0,
    podId: null,
    metadata: {},
    createdAt: at(0),
    startedAt: null,
    completedAt: null,
    expiresAt: at(1_000_000),
    startBy: null,
    cancelRequested: false,
    waiting: null,
    progress: null,
    outputs: [],
    error: null,
    receipt: null,
    ...fields,
  };
}

export function outputOf(fields: Partial<Output> = {}): Output {
  return {
    jobId: jobIdAt(1),
    nodeId: "9",
    name: "Comfy_00001_.png",
    type: "image",
    contentType: "image/png",
    sizeBytes: 1_848_320,
    sha256: "a".repeat(64),
    assetId: assetIdAt(2),
    temporary: false,
    ...fields,
  };
}

export const succeededJob = (fields: Partial<Job> = {}) =>
  jobOf({ state: "succeeded", startedAt: at(2), completedAt: at(5), outputs: [outputOf()], ...fields });

export function assetOf(fields: Partial<Asset> = {}): Asset {
  return {
    id: assetIdAt(2),
    fileName: "photo.png",
    filePath: "in/photo.png",
    contentType: "image/png",
    sizeBytes: 3,
    sha256: "a".repeat(64),
    blake3: "b".repeat(64),
    createdAt: at(0),
    jobId: null,
    expiresAt: null,
    ...fields,
  };
}

function unasked(name: string) {
  return () => Promise.reject(new Error(`nobody should ask for ${name}`));
}

const NO_JOBS: V2Options["jobs"] = {
  submitV2: unasked("submitV2"),
  get: unasked("get"),
  list: unasked("list"),
  cancel: unasked("cancel"),
  watch: () => {
    throw new Error("nobody should watch");
  },
  queuePosition: () => Promise.resolve(3),
  workflowOf: unasked("workflowOf"),
};
const NO_ASSETS: V2Options["assets"] = {
  upload: unasked("upload"),
  fromHash: unasked("fromHash"),
  hasBlake3: () => Promise.resolve(false),
  get: unasked("get"),
  delete: unasked("delete"),
  download: unasked("download"),
  findByPaths: () => Promise.resolve(new Map()),
};

type Changes = Partial<Omit<V2Options, "jobs" | "assets" | "clock" | "stopping">> & {
  jobs?: Partial<V2Options["jobs"]>;
  assets?: Partial<V2Options["assets"]>;
};

export function setUpV2(changes: Changes = {}) {
  const clock = createManualClock(1_700_000_000_000);
  const stopping = new AbortController();
  const signer = createUrlSigner({
    secret: openEdgeSecret({ dataDir: "/nowhere", given: "ab".repeat(32) }),
    ttlMs: 3_600_000,
  });
  const v2 = createV2({
    fileInputs: { reader: () => Promise.resolve((classType) => classType === "LoadImage") },
    signer,
    publicOrigin: null,
    holdMs: 5_000,
    maxStreams: 2,
    requestsPerSecond: 1_000,
    maxWorkflowBytes: 100_000,
    maxUploadBytes: 1_000_000,
    isActive: () => Promise.resolve(true),
    logger: silentLogger,
    ...changes,
    jobs: { ...NO_JOBS, ...changes.jobs },
    assets: { ...NO_ASSETS, ...changes.assets },
    clock,
    stopping: stopping.signal,
  });
  const facts = { requestId: "req-1", trace: newTrace() };
  return {
    clock,
    signer,
    stop: () => stopping.abort(),
    facts,
    call: (path: string, init: RequestInit = {}, caller: Caller | null = CALLER) => {
      // What fetch wants for a body that is a stream.
      const whole = init.body instanceof ReadableStream ? { ...init, duplex: "half" } : init;
      return v2(new Request(`http://edge.test${path}`, whole), caller, facts);
    },
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      v2(
        new Request(`http://edge.test${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        }),
        CALLER,
        facts,
      ),
  };
}

/** The body of an answer that the published schema accepts; what the schema does not know is kept. */
export async function bodyBy<S extends z.ZodType>(schema: S, response: Response): Promise<Record<string, unknown>> {
  const body = await response.json() as Record<string, unknown>;
  const parsed = schema.safeParse(body);
  expect(parsed.error?.issues ?? []).toEqual([]);
  return body;
}

/** Status, code and message of a refusal in the contract's shape. */
export async function refused(response: Response) {
  const body = await bodyBy(schemas.zErrorEnvelope, response) as {
    error: { code: string; message: string; details: Record<string, unknown> | null };
  };
  return { status: response.status, ...body.error };
}
