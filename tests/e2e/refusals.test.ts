/** Keys, ids, bodies, names and paths that an edge refuses, by name, over HTTP against both runtimes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet, file, type Fleet } from "../../client/mod.ts";
import { toClientError } from "../../client/errors.ts";
import { assetContentPath, EXPECTED_SHA256_HEADER } from "../../contracts/edge/routes.ts";
import { AssetId } from "../../contracts/ids.ts";
import { type Answer, ask, postText, queryRaw } from "../support/fleet/http.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { leaksOf } from "../support/fleet/leaks.ts";
import { storedFiles } from "../support/fleet/stored-files.ts";
import { invert, quick } from "../support/fleet/workflows.ts";

const UPLOAD_LIMIT = 64 * 1024;
const UNKNOWN_JOB = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";
const UNKNOWN_ASSET = AssetId.parse("asset_01jd8qf2e0f0x8j3m5p7q9s1tv");
const BAD_NAMES = ["../escape.png", "a/../../b.png", "/etc/passwd", "..\\escape.png", "C:\\x.png", "a/b.png", "..", ""];

describe.each(EDGE_RUNTIMES)("refusals of an edge on %s", (runtime) => {
  let fleet: TestFleet;
  let stranger: Fleet;
  let strangerKey: string;

  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, env: { MAX_UPLOAD_BYTES: String(UPLOAD_LIMIT) } });
    const tenant = await fleet.client.trpc.tenants.create.mutate({ name: "stranger" });
    strangerKey = (await fleet.client.trpc.keys.create.mutate({ tenantId: tenant.id })).key;
    stranger = createFleet({ baseUrl: fleet.baseUrl, apiKey: strangerKey });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  function expectTyped(answer: Answer, status: number, code: string): void {
    expect(answer.error, answer.text).toMatchObject({
      code,
      message: expect.stringMatching(/^Cannot /),
      hint: expect.stringMatching(/\S/),
      requestId: answer.headers.get("x-request-id"),
    });
    expect(answer.status).toBe(status);
    expect(leaksOf(answer.text, fleet.dataDir)).toEqual([]);
  }

  const upload = (body: AskBody, options: { name?: string; headers?: Record<string, string> } = {}) =>
    ask(`${fleet.baseUrl}/v1/assets?name=${encodeURIComponent(options.name ?? "x.bin")}`, {
      ...{ method: "POST", body, duplex: "half", key: fleet.apiKey },
      headers: options.headers ?? {},
    });

  describe("without a good key", () => {
    const wrong = (key: string) => key.slice(0, -4) + (key.endsWith("AAAA") ? "BBBB" : "AAAA");
    const headers = (): [string, string | null][] => [
      ["missing", null],
      ["empty", "Bearer "],
      ["not bearer", `Basic ${fleet.apiKey}`],
      ["malformed", "Bearer hello"],
      ["cut short", `Bearer ${fleet.apiKey.slice(0, -1)}`],
      ["unknown", `Bearer ${fleet.apiKey.replace(/^cfl_.{26}/, `cfl_${UNKNOWN_JOB.slice(4)}`)}`],
      ["of another secret", `Bearer ${wrong(fleet.apiKey)}`],
    ];

    it("every path but health answers 401, the same whatever is wrong with the key", async () => {
      const paths: [string, string][] = [
        ["POST", "/trpc/jobs.submit"],
        ["GET", "/trpc/jobs.list?input=%7B%22json%22%3A%7B%7D%7D"],
        ["GET", `/trpc/jobs.watch?input=${encodeURIComponent(JSON.stringify({ json: { jobId: UNKNOWN_JOB } }))}`],
        ["POST", "/trpc/keys.create"],
        ["POST", "/v1/assets?name=x"],
        ["GET", assetContentPath(UNKNOWN_ASSET)],
        ["GET", "/healthz"],
      ];
      for (const [method, path] of paths) {
        const bodies = new Set<string>();
        for (const [name, authorization] of headers()) {
          const init = {
            method,
            headers: {
              "content-type": "application/json",
              "x-request-id": "same",
              ...(authorization === null ? {} : { authorization }),
            },
            ...(method === "POST" ? { body: "{}" } : {}),
          };
          const answer = await ask(`${fleet.baseUrl}${path}`, init);
          expect(answer.status, `${name} key at ${path}`).toBe(401);
          expectTyped(answer, 401, "unauthorized");
          bodies.add(answer.text);
        }
        expect(bodies.size, path).toBe(1);
      }
    });

    it("a stream is refused at once, not tried for ever", async () => {
      const nobody = createFleet({ baseUrl: fleet.baseUrl, apiKey: wrong(fleet.apiKey) });
      const writer = (await fleet.client.trpc.keys.create.mutate({ scopes: ["jobs:write"] })).key;
      const { id } = (await fleet.client.run(quick())).job;
      for (const client of [nobody, createFleet({ baseUrl: fleet.baseUrl, apiKey: writer })]) {
        const outcome = await new Promise<unknown>((resolve) => {
          client.trpc.jobs.watch.subscribe({ jobId: id }, {
            onData: resolve,
            onError: (error) => resolve(toClientError(error, fleet.baseUrl)),
            onConnectionStateChange: ({ state, error }) => {
              if (state === "connecting" && error) resolve(`tried again: ${error.message}`);
            },
          });
        });
        expect(outcome).toMatchObject({ code: client === nobody ? "unauthorized" : "forbidden" });
      }
      // What a writer submits it may not watch: the SDK says so instead of waiting.
      const unseen = createFleet({ baseUrl: fleet.baseUrl, apiKey: writer }).run(quick());
      await expect(unseen.result()).rejects.toMatchObject({ code: "forbidden" });
      await fleet.client.job((await unseen.submitted).id);
    });
  });

  it("another tenant's job and an unknown one are the same 404, however asked", async () => {
    const { job } = await fleet.client.run(quick());
    const asStranger = { baseUrl: fleet.baseUrl, apiKey: strangerKey };
    for (const procedure of ["jobs.get", "jobs.watch"]) {
      const [own, theirs, unknown] = await Promise.all([
        procedure === "jobs.get" ? queryRaw(fleet, procedure, { jobId: job.id }) : null,
        queryRaw(asStranger, procedure, { jobId: job.id }),
        queryRaw(asStranger, procedure, { jobId: UNKNOWN_JOB }),
      ]);
      if (own) expect(own.status).toBe(200);
      const plain = ({ text }: Answer) =>
        text.replaceAll(/"requestId":"[^"]*"/g, "").replaceAll(job.id, "ID").replaceAll(UNKNOWN_JOB, "ID");
      expect(plain(theirs)).toBe(plain(unknown));
      expect(theirs.status).toBe(unknown.status);
      expect(theirs.text).toContain("not_found");
      expect(leaksOf(theirs.text, fleet.dataDir)).toEqual([]);
      if (procedure === "jobs.get") expectTyped(theirs, 404, "not_found");
    }
    for (const jobId of [job.id, UNKNOWN_JOB]) {
      const body = JSON.stringify({ json: { jobId } });
      expectTyped(await postText(`${fleet.baseUrl}/trpc/jobs.cancel`, body, strangerKey), 404, "not_found");
      await expect(stranger.job(jobId).result()).rejects.toMatchObject({ code: "not_found" });
    }
    expect((await stranger.trpc.jobs.list.query({})).items).toEqual([]);
  });

  it("another tenant's asset, an unknown one and no id at all are the same 404", async () => {
    const asset = await fleet.client.assets.upload(file(new Uint8Array([1, 2, 3]), "mine.bin"));
    const headers = { "x-request-id": "same" };
    const answers = [];
    for (const id of [asset.id, UNKNOWN_ASSET, "asset_nonsense" as AssetId]) {
      answers.push(await ask(`${fleet.baseUrl}${assetContentPath(id)}`, { key: strangerKey, headers }));
    }
    for (const answer of answers) {
      expectTyped(answer, 404, "not_found");
      expect(answer.text).toBe(answers[0]?.text);
    }
    const metadata = await Promise.all(
      [asset.id, UNKNOWN_ASSET].map((assetId) =>
        queryRaw({ baseUrl: fleet.baseUrl, apiKey: strangerKey }, "assets.get", { assetId })
      ),
    );
    for (const answer of metadata) expectTyped(answer, 404, "not_found");
    const image = { __type: "core/ASSET", info: { id: asset.id } };
    const borrowed = { ...invert(), "1": { class_type: "LoadImage", inputs: { image } } };
    await expect(stranger.run(borrowed).submitted).rejects.toMatchObject({ code: "missing_asset" });
  });

  it("the same idempotency key with another body is 409 for its tenant, and free for another", async () => {
    const options = { idempotencyKey: "once" };
    await fleet.client.run(quick(), {}, options);
    const { default: superjson } = await import("superjson");
    const body = superjson.stringify({ spec: { kind: "workflow", workflow: quick() }, options });
    expectTyped(await postText(`${fleet.baseUrl}/trpc/jobs.submit`, body, fleet.apiKey), 409, "idempotency_key_reuse");
    expect((await stranger.run(quick(), {}, options)).job.state).toBe("succeeded");
  });

  it("an upload over the limit is 413 and nothing of it is kept, announced or not", async () => {
    const before = storedFiles(fleet.dataDir);
    const bytes = new Uint8Array(UPLOAD_LIMIT + 1);
    expectTyped(await upload(bytes), 413, "payload_too_large");
    expectTyped(await upload(new Blob([bytes]).stream()), 413, "payload_too_large");
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
    });
    // It may be cut before the answer is read; it must end, and leave nothing.
    const cut = await upload(endless).catch(() => null);
    if (cut) expectTyped(cut, 413, "payload_too_large");
    expect(storedFiles(fleet.dataDir)).toEqual(before);
    expect((await upload(bytes.subarray(1))).status).toBe(201);
    expect(storedFiles(fleet.dataDir)).toHaveLength(before.length + 1);
  });

  it("an upload whose bytes are not those announced is 409, in a form or with a bad hash 400, and not kept", async () => {
    const before = storedFiles(fleet.dataDir);
    const other = { [EXPECTED_SHA256_HEADER]: "0".repeat(64) };
    expectTyped(await upload(new Uint8Array([9, 9]), { headers: other }), 409, "hash_mismatch");
    const malformed = { [EXPECTED_SHA256_HEADER]: "abc" };
    expectTyped(await upload(new Uint8Array([9, 9]), { headers: malformed }), 400, "invalid_input");
    const form = new FormData();
    form.set("file", new Blob(["x"]), "x.png");
    expectTyped(await upload(form), 400, "invalid_input");
    expect(storedFiles(fleet.dataDir)).toEqual(before);
  });

  it.each(BAD_NAMES)("a file named %j is 400, and nothing is written", async (name) => {
    const before = storedFiles(fleet.dataDir);
    expectTyped(await upload(new Uint8Array([7]), { name }), 400, "invalid_input");
    expect(storedFiles(fleet.dataDir)).toEqual(before);
  });

  it("an unknown path, procedure and method are typed", async () => {
    expectTyped(await ask(`${fleet.baseUrl}/v2/nothing`, { key: fleet.apiKey }), 404, "not_found");
    expectTyped(await ask(`${fleet.baseUrl}/trpc/jobs.destroy`, { key: fleet.apiKey }), 404, "not_found");
    const wrongMethod = await ask(`${fleet.baseUrl}/trpc/jobs.submit`, { key: fleet.apiKey });
    expect(wrongMethod.error).toMatchObject({ code: "invalid_input" });
    const batched = await ask(`${fleet.baseUrl}/trpc/jobs.list,pods.list?batch=1&input=%7B%7D`, { key: fleet.apiKey });
    expect(batched.status).toBeGreaterThanOrEqual(400);
    expect(leaksOf(batched.text, fleet.dataDir)).toEqual([]);
  });

  it("the agent's own port refuses every path without its secret", async () => {
    const paths = [
      "/",
      "/trpc/pod.describe",
      "/trpc/attempts.get",
      `/inputs/${"0".repeat(64)}`,
      "/object-info/x",
      "/x",
    ];
    for (const path of paths) {
      for (const key of [undefined, "wrong", fleet.apiKey]) {
        const answer = await ask(`${fleet.agentUrl}${path}`, key === undefined ? {} : { key });
        expectTyped(answer, 401, "unauthorized");
      }
    }
    const allowed = await ask(`${fleet.agentUrl}/trpc/pod.describe`, { key: fleet.agentSecret });
    expect(allowed.status).toBe(200);
  });
});

type AskBody = NonNullable<Parameters<typeof ask>[1]>["body"];
