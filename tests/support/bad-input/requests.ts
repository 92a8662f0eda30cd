/** Requests to a server of ours: to every procedure of its router and every raw route, as its schemas say and beside them. */
import type { AnyRouter } from "@trpc/server";
import fc from "fast-check";
import superjson from "superjson";
import { z } from "zod";
import { PATH_TRICKS } from "./path-tricks.ts";
import { beside, junk, type Pools, valuesOf } from "./schema-values.ts";
import type { RawRequest } from "./send.ts";

export interface RawRoute {
  methods: readonly string[];
  /** Paths of the route, with what may stand in it. */
  path: fc.Arbitrary<string>;
}

export interface Target {
  router: AnyRouter;
  routes: readonly RawRoute[];
  pools: Pools;
  /** Of routes whose bodies have a schema. */
  others?: fc.Arbitrary<RawRequest>;
  /** Values of `authorization`; the first is the one that may do everything. */
  authorizations: readonly [string, ...string[]];
}

interface Procedure {
  path: string;
  isMutation: boolean;
  values: fc.Arbitrary<unknown>;
}

const Def = z.object({
  type: z.enum(["query", "mutation", "subscription"]),
  inputs: z.array(z.instanceof(z.ZodType)).default([]),
});

/** Every procedure of the router, also those that are added later. */
export function proceduresOf(router: AnyRouter, pools: Pools): Procedure[] {
  return Object.entries(router._def.procedures as Record<string, { _def: unknown }>).map(([path, procedure]) => {
    const { type, inputs } = Def.parse(procedure._def);
    const [input] = inputs;
    return { path, isMutation: type === "mutation", values: input ? valuesOf(input, pools) : fc.constant(undefined) };
  });
}

/** A head of more than 16 KB is refused by the runtime's own parser, not by us. */
const MAX_QUERY_CHARS = 12_000;
const url = (text: string) => encodeURIComponent(text.toWellFormed()).slice(0, MAX_QUERY_CHARS);
const often = <T>(arbitrary: fc.Arbitrary<T>) => ({ weight: 6, arbitrary });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => ({ weight: 1, arbitrary });

/** As the typed client writes it; what superjson itself refuses to write, as a foreign client would. */
function serialized(value: unknown): string {
  try {
    return superjson.stringify(value);
  } catch {
    return JSON.stringify({ json: value });
  }
}

/** Input as it is written on the wire: superjson, superjson with meta that lies, and text that is none. */
function written(values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const meta = fc.oneof(
    junk,
    fc.record({ values: fc.dictionary(fc.string({ maxLength: 20 }), fc.oneof(junk, fc.constant(["Date"]))) }),
    fc.constantFrom({ values: { "a.__proto__.b": ["undefined"] } }, { values: ["map"] }, { values: { "": ["set"] } }),
  );
  return fc.oneof(
    often(values.map(serialized)),
    often(beside(values).map(serialized)),
    rarely(fc.tuple(values, meta).map(([json, meta]) => JSON.stringify({ json, meta }))),
    rarely(junk.map((value) => JSON.stringify(value))),
    rarely(fc.tuple(values, fc.nat(200)).map(([value, at]) => serialized(value).slice(0, at))),
    rarely(fc.constantFrom("", "null", "{", "\ufeff{}", '{"json":NaN}', '{"json":{}}x', "[".repeat(50_000), "\0")),
    rarely(fc.string({ unit: "binary" })),
  );
}

/** Field values that HTTP lets through: what it does not never reaches our code. */
const fieldValue = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, "~").trim());
const HEADERS: Record<string, fc.Arbitrary<string>> = {
  "x-request-id": fieldValue,
  "last-event-id": fc.oneof(fieldValue, fc.constantFrom("0", "1.1", "-1", "9".repeat(400))),
  "trpc-accept": fc.constantFrom("application/jsonl", "text/event-stream", "x"),
  accept: fc.constantFrom("application/json", "text/event-stream", "*/*", "text/html;q=0.9"),
  range: fc.oneof(
    fieldValue,
    fc.constantFrom("bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=0-0,2-3", "bytes=9e9-", "x=1"),
  ),
  "if-none-match": fc.oneof(fieldValue, fc.constantFrom("*", '"', 'W/"x"', ",".repeat(2_000))),
  "if-range": fieldValue,
  "if-modified-since": fc.oneof(fieldValue, fc.constant(new Date().toUTCString())),
  "idempotency-key": fieldValue,
  traceparent: fc.oneof(fieldValue, fc.constant(`00-${"0".repeat(32)}-${"0".repeat(16)}-01`)),
  origin: fc.constantFrom("https://evil.example.com", "null", "http://127.0.0.1"),
  cookie: fieldValue,
  "content-encoding": fc.constantFrom("gzip", "br", "identity"),
  "x-expected-sha256": fc.oneof(fieldValue, fc.constant("0".repeat(64))),
  "x-forwarded-host": fc.constant("evil.example.com"),
  host: fc.constantFrom("evil.example.com", "localhost:1", "[::1]", "127.0.0.1"),
  forwarded: fieldValue,
};
const CONTENT_TYPES = [
  "text/plain",
  "application/octet-stream",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "application/json; charset=utf-16",
  "application/jsonl",
  "image/svg+xml",
  ";;;",
  "",
];

const extraHeaders = fc.oneof(
  often(fc.constant({})),
  often(fc.record(HEADERS, { requiredKeys: [] }).map((headers) => headers as Record<string, string>)),
);

export function headersOf(target: Pick<Target, "authorizations">): fc.Arbitrary<Record<string, string>> {
  const [all, ...others] = target.authorizations;
  const authorization = fc.oneof(
    { weight: 8, arbitrary: fc.constant(all) },
    { weight: 1, arbitrary: fc.constantFrom("", ...others) },
    { weight: 1, arbitrary: fieldValue },
  );
  return fc.tuple(authorization, extraHeaders).map(([authorization, extra]) => ({
    ...extra,
    ...(authorization === "" ? {} : { authorization }),
  }));
}

function callOf(target: Target, { path, isMutation, values }: Procedure): fc.Arbitrary<RawRequest> {
  const input = written(values);
  const own = isMutation ? "POST" : "GET";
  return fc.record({
    method: fc.oneof(
      { weight: 10, arbitrary: fc.constant(own) },
      rarely(fc.constantFrom("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH")),
    ),
    input,
    query: fc.oneof(
      often(input.map((text) => `?input=${url(text)}`)),
      rarely(fc.constantFrom("", "?input=%zz", "?batch=1", "?input=1&input=2", "?input")),
    ),
    headers: headersOf(target),
    contentType: fc.oneof(
      { weight: 10, arbitrary: fc.constant("application/json") },
      rarely(fc.constantFrom(...CONTENT_TYPES)),
    ),
    chunked: fc.boolean(),
  }).map(({ method, input, query, headers, contentType, chunked }) => {
    const hasBody = method !== "GET" && method !== "HEAD";
    return {
      method,
      path: `/trpc/${path}${hasBody && isMutation ? "" : query}`,
      headers: { ...headers, ...(contentType === "" ? {} : { "content-type": contentType }) },
      body: hasBody ? input : null,
      chunked: hasBody && chunked,
    };
  });
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(new Uint8Array(0), new Uint8Array(100_000), new TextEncoder().encode("<svg onload=alert(1)>")),
);

function routeOf(target: Target, route: RawRoute): fc.Arbitrary<RawRequest> {
  return fc.record({
    method: fc.oneof(
      often(fc.constantFrom(...route.methods)),
      rarely(fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD")),
    ),
    path: route.path,
    headers: headersOf(target),
    contentType: fc.constantFrom("image/png", ...CONTENT_TYPES),
    body: bytes,
    chunked: fc.boolean(),
  }).map(({ method, path, headers, contentType, body, chunked }) => {
    const hasBody = method !== "GET" && method !== "HEAD";
    const type: Record<string, string> = hasBody && contentType !== "" ? { "content-type": contentType } : {};
    return { method, path, headers: { ...headers, ...type }, body: hasBody ? body : null, chunked: hasBody && chunked };
  });
}

/** Characters that Node's client sends in a request line as they are. */
const SENDABLE = /^\/[\x21-\x7e]*$/;

function trickOf(target: Target, procedures: readonly Procedure[]): fc.Arbitrary<RawRequest> {
  const paths = PATH_TRICKS.flatMap(({ path }) => procedures.map(({ path: last }) => path({ prefix: "/trpc", last })));
  return fc.record({
    method: fc.constantFrom("GET", "POST"),
    path: fc.constantFrom(...paths.filter((path) => SENDABLE.test(path))),
    headers: headersOf(target),
  }).map(({ method, path, headers }) => ({
    ...{ method, path, headers: { ...headers, "content-type": "application/json" } },
    body: method === "POST" ? "{}" : null,
  }));
}

/** Requests of every kind, procedures in equal parts. */
export function requestsTo(target: Target): fc.Arbitrary<RawRequest> {
  const procedures = proceduresOf(target.router, target.pools);
  const calls = fc.oneof(...procedures.map((procedure) => callOf(target, procedure)));
  const routes = fc.oneof(...target.routes.map((route) => routeOf(target, route)));
  return fc.oneof(
    { weight: 7, arbitrary: calls },
    { weight: 2, arbitrary: routes },
    { weight: 1, arbitrary: trickOf(target, procedures) },
    ...(target.others === undefined ? [] : [{ weight: 4, arbitrary: target.others }]),
  );
}
