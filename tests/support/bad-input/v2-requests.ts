/** Requests to the Comfy API v2: as its published schemas say and beside them, forms in and out of order, links of every kind. */
import { schemas } from "@comfyorg/sdk/low";
import fc from "fast-check";
import { beside, junk, type Pools, valuesOf } from "./schema-values.ts";
import type { RawRequest } from "./send.ts";

export interface V2Target {
  /** UUIDs of what exists. */
  jobs: readonly [string, ...string[]];
  assets: readonly [string, ...string[]];
  /** Query of a link to the first asset. */
  link: string;
  pools: Pools;
  /** Headers with a key, mostly. */
  headers: fc.Arbitrary<Record<string, string>>;
}

const often = <T>(arbitrary: fc.Arbitrary<T>) => ({ weight: 6, arbitrary });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => ({ weight: 1, arbitrary });

const NOBODY = "01890000-0000-7000-8000-000000000000";
/** What HTTP lets stand in a path. */
const segment = fc.string({ maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed()));
const someId = (ids: readonly string[]) =>
  fc.oneof(
    often(fc.constantFrom(...ids)),
    rarely(fc.constantFrom(NOBODY, "job_x", "..", "%00", "%zz")),
    rarely(segment),
  );

const hash = fc.oneof(
  fc.constantFrom(`blake3:${"0".repeat(64)}`, `blake3%3A${"a".repeat(64)}`, "blake3:", "sha256:00", ""),
  segment,
);
const V2_HEADERS = fc.record({
  prefer: fc.constantFrom("wait=0", "wait=1", "wait=-1", "wait", 'wait="0"', "respond-async"),
  "idempotency-key": fc.oneof(fc.constantFrom("one", "two", "x".repeat(201)), fc.uuid()),
  "idempotency-mode": fc.constantFrom("replay", "replay", "record", ""),
  range: fc.constantFrom("bytes=0-0", "bytes=-1", "bytes=9e9-", "bytes=5-1"),
  accept: fc.constantFrom("text/event-stream", "application/json"),
}, { requiredKeys: [] }).map((headers) => headers as Record<string, string>);

function jsonBodies(values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc.oneof(
    often(values.map((value) => JSON.stringify(value))),
    often(beside(values).map((value) => JSON.stringify(value) ?? "")),
    rarely(junk.map((value) => JSON.stringify(value))),
    rarely(fc.tuple(values, fc.nat(200)).map(([value, at]) => JSON.stringify(value).slice(0, at))),
    rarely(fc.constantFrom("", "null", "[]", "NaN", "\ufeff{}", "[".repeat(50_000), '{"workflow":{"__proto__":{}}}')),
  );
}

const field = (name: string, value: string) =>
  `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string, value: string) =>
  `--X\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n${value}\r\n`;

/** Parts in any order, some of them twice, with an end or without. */
function forms(): fc.Arbitrary<string> {
  const word = fc.oneof(
    fc.constantFrom("a.png", "in/ü.png", "../x", "/x", "", "image/png", "60", "blake3:00", "x".repeat(9_000)),
    fc.string({ maxLength: 30 }),
  );
  const name = fc.oneof(
    fc.constantFrom("content_type", "file_path", "expected_hash", "tags", "expires_in", "file", "constructor"),
    fc.string({ maxLength: 10 }),
  );
  const inOrder = fc.tuple(word, word).map(([path, bytes]) =>
    field("content_type", "image/png") + field("file_path", path) + file("x.png", bytes)
  );
  const part = fc.oneof(
    fc.tuple(name, word).map(([one, text]) => field(one, text)),
    fc.tuple(word, word).map(([one, text]) => file(one, text)),
    fc.constantFrom("--X\r\n", "\r\n", "--X--", "\0"),
  );
  const anyOrder = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  const end = fc.constantFrom("--X--\r\n", "--X--\r\n", "--X--", "--X", "");
  return fc.tuple(fc.oneof(inOrder, anyOrder), end).map(([parts, last]) => parts + last);
}

interface Shape {
  method: string;
  path: fc.Arbitrary<string>;
  contentType?: fc.Arbitrary<string>;
  body?: fc.Arbitrary<string>;
}

const JSON_TYPE = fc.oneof(
  { weight: 8, arbitrary: fc.constant("application/json") },
  rarely(fc.constantFrom("text/plain", "", "application/json; charset=utf-16", "multipart/form-data; boundary=X")),
);
const FORM_TYPE = fc.oneof(
  { weight: 8, arbitrary: fc.constant("multipart/form-data; boundary=X") },
  rarely(
    fc.constantFrom("multipart/form-data", 'multipart/form-data; boundary=""', "image/png", "multipart/form-data;"),
  ),
);

function shapesOf({ jobs, assets, link, pools }: V2Target): Shape[] {
  const job = someId(jobs).map((id) => `/api/v2/jobs/${id}`);
  const asset = someId(assets).map((id) => `/api/v2/assets/${id}`);
  const query = fc.oneof(
    fc.constantFrom(
      "",
      "?limit=1",
      "?limit=0",
      "?limit=x",
      "?cursor=x",
      "?metadata[a]=b",
      "?metadata=",
      "?metadata[]=%00",
    ),
    fc.string({ maxLength: 60 }).map((text) => `?${encodeURIComponent(text.toWellFormed())}`),
  );
  const signature = fc.oneof(
    fc.constantFrom(
      "",
      `?${link}`,
      `?${link}x`,
      "?signature=",
      "?expires=1&signature=AA",
      "?expires=9".padEnd(3_000, "9"),
    ),
    fc.string({ maxLength: 60 }).map((text) => `?expires=1&signature=${encodeURIComponent(text.toWellFormed())}`),
  );
  const submits = fc.tuple(valuesOf(schemas.zPostJobsBody, pools), fc.option(fc.dictionary(fc.string(), junk)))
    .map(([body, metadata]) => metadata === null ? body : { ...body as object, metadata });
  return [
    { method: "POST", path: fc.constant("/api/v2/jobs"), contentType: JSON_TYPE, body: jsonBodies(submits) },
    { method: "GET", path: query.map((text) => `/api/v2/jobs${text}`) },
    { method: "GET", path: job },
    { method: "GET", path: job.map((path) => `${path}/events`) },
    { method: "GET", path: job.map((path) => `${path}/workflow`) },
    { method: "POST", path: job.map((path) => `${path}/cancel`) },
    { method: "POST", path: fc.constant("/api/v2/assets"), contentType: FORM_TYPE, body: forms() },
    {
      method: "POST",
      path: fc.constant("/api/v2/assets/from-hash"),
      contentType: JSON_TYPE,
      body: jsonBodies(valuesOf(schemas.zAssetFromHashBody, pools)),
    },
    { method: "HEAD", path: hash.map((text) => `/api/v2/assets/by-hash/${text}`) },
    { method: "GET", path: asset },
    { method: "DELETE", path: someId([NOBODY]).map((id) => `/api/v2/assets/${id}`) },
    { method: "GET", path: fc.tuple(asset, signature).map(([path, text]) => `${path}/content${text}`) },
    { method: "GET", path: fc.array(segment, { maxLength: 4 }).map((parts) => `/api/v2/${parts.join("/")}`) },
  ];
}

export function v2Requests(target: V2Target): fc.Arbitrary<RawRequest> {
  const requests = shapesOf(target).map(({ method, path, contentType, body }) =>
    fc.record({
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant(method) },
        rarely(fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")),
      ),
      path,
      headers: target.headers,
      more: fc.oneof(often(fc.constant({})), often(V2_HEADERS)),
      contentType: contentType ?? fc.constant(""),
      body: body ?? fc.constant(""),
      chunked: fc.boolean(),
    }).map(({ method, path, headers, more, contentType, body, chunked }): RawRequest => {
      const hasBody = method !== "GET" && method !== "HEAD";
      const type: Record<string, string> = hasBody && contentType !== "" ? { "content-type": contentType } : {};
      return {
        method,
        path,
        headers: { ...headers, ...more, ...type },
        body: hasBody ? body : null,
        chunked: hasBody && chunked,
      };
    })
  );
  return fc.oneof(...requests);
}
