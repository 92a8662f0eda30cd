// Every operation of the contract, called by the official SDK's own transport.
import { ComfyLow, OPERATION_IDS, OPERATION_METHODS } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import { assetOf, CALLER, jobIdAt, outputOf, setUpV2, succeededJob, uuid } from "./v2-fixture.ts";
import { toTimestamp } from "../../../../../contracts/ids.ts";

const HASH = `blake3:${"b".repeat(64)}`;

function setUp() {
  const called: string[] = [];
  const asset = assetOf();
  const job = succeededJob();
  const { call } = setUpV2({
    jobs: {
      submitV2: () => Promise.resolve({ job, replayed: false }),
      get: () => Promise.resolve(job),
      cancel: () => Promise.resolve(job),
      workflowOf: () => Promise.resolve({ "1": { class_type: "A", inputs: {} } }),
      async *watch() {
        const data = {
          type: "status",
          jobId: jobIdAt(1),
          ver: 3,
          state: "succeeded",
          attempt: 1,
          at: toTimestamp(0),
          reason: null,
          job,
        } as const;
        yield { id: "3", data };
      },
    },
    assets: {
      upload: async (_caller, { body }) => {
        expect(await new Response(body).text()).toBe("abc");
        return { asset, created: true, newBytes: true, replayed: false };
      },
      fromHash: () => Promise.resolve({ asset, created: true }),
      hasBlake3: () => Promise.resolve(true),
      get: () => Promise.resolve(asset),
      delete: () => Promise.resolve(),
      download: () => Promise.resolve(new Response("abc")),
    },
  });
  const fetch = (async (url: string, init: RequestInit) => {
    const { pathname, search } = new URL(url);
    const body = init.body instanceof FormData ? new Response(init.body) : null;
    const headers = new Headers(init.headers);
    if (body) headers.set("content-type", body.headers.get("content-type") ?? "");
    expect(headers.get("authorization")).toBe("Bearer cfl_key");
    called.push(`${init.method} ${pathname}`);
    return await call(pathname + search, {
      ...init,
      headers,
      body: body ? await body.arrayBuffer() : init.body ?? null,
    }, CALLER);
  }) as typeof globalThis.fetch;
  return { low: new ComfyLow("http://edge.test", "cfl_key", { fetch }), called };
}

describe("the official SDK's transport", () => {
  it("has every operation of the contract answered", async () => {
    const { low, called } = setUp();
    const file = new Blob(["abc"]);
    const asset = await low.postAssets(file, "image/png", "ü photo.png", {
      expectedHash: HASH,
      tags: ["input"],
      idempotencyKey: "k",
    });
    expect(asset).toMatchObject({ id: uuid(2), created_new: true });
    expect(await low.assetFromHash(HASH, { filePath: "a.png", tags: [] })).toMatchObject({ id: uuid(2) });
    expect(await low.headAssetByHash(HASH)).toBe(true);
    expect(await low.getAsset(asset.id)).toMatchObject({ hash: HASH });
    expect(await (await low.getAssetContent(asset.id, { range: [0, 2] })).text()).toBe("abc");
    await low.deleteAsset(asset.id);
    const job = await low.postJobs({ "1": { class_type: "A", inputs: {} } }, {
      idempotencyKey: "k",
      extraData: { api_key_comfy_org: "x" },
    });
    expect(job).toMatchObject({ id: uuid(1), status: "succeeded", outputs: [{ name: outputOf().name }] });
    expect(await low.getJob(job.urls.self)).toMatchObject({ id: uuid(1) });
    expect(await low.getJobWorkflow(job.urls.self)).toMatchObject({ format: "api" });
    const events = [];
    for await (const event of low.getJobEvents(job.urls.events)) events.push(event);
    expect(events).toMatchObject([{ event: "output" }, { event: "status", data: { status: "succeeded" } }]);
    expect(await low.cancelJob(job.urls.cancel)).toMatchObject({ status: "succeeded" });
    expect(Object.keys(OPERATION_METHODS).toSorted()).toEqual([...OPERATION_IDS].toSorted());
    expect(called).toHaveLength(OPERATION_IDS.length);
  });
});
