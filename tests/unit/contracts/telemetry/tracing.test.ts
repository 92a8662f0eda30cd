import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { OTLP_SETTINGS, otlpTarget } from "../../../../contracts/telemetry/otlp-settings.ts";
import { createTracing } from "../../../../contracts/telemetry/tracing.ts";
import type { Span } from "../../../../contracts/telemetry/span.ts";

const SPAN: Span = {
  context: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true },
  parentSpanId: "00f067aa0ba902b7",
  name: "jobs.submit",
  kind: "server",
  startMs: 1_764_000_000_123,
  endMs: 1_764_000_000_125.5,
  error: "timeout",
  attributes: { "comfyfleet.job": "job_1", n: 3, share: 0.5, cached: true },
};

const parse = (env: Record<string, string>) => z.object(OTLP_SETTINGS).safeParse(env);

describe("otlpTarget()", () => {
  it("is none without an endpoint", () => {
    expect(otlpTarget(parse({}).data ?? { OTEL_EXPORTER_OTLP_HEADERS: { not: "parsed" } })).toBeNull();
  });

  it("adds the traces' path, and reads headers", () => {
    const config = parse({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example/otlp/",
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b%3D,authorization=Basic Zm9v",
    }).data;
    expect(config && otlpTarget(config)).toEqual({
      url: "https://collector.example/otlp/v1/traces",
      headers: { "x-key": "a b=", authorization: "Basic Zm9v" },
    });
  });

  it.each(["no pair", "=value", "bad name=x", "a=%zz"])("refuses the headers '%s'", (text) => {
    expect(parse({ OTEL_EXPORTER_OTLP_HEADERS: text }).success).toBe(false);
  });

  it("refuses another protocol", () => {
    expect(parse({ OTEL_EXPORTER_OTLP_ENDPOINT: "grpc://collector:4317" }).success).toBe(false);
  });
});

describe("createTracing()", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function bench(answer: () => Promise<Response>) {
    const requests: { url: string; init: RequestInit }[] = [];
    const warnings: string[] = [];
    const seen = { exported: 0, dropped: 0 };
    const tracing = createTracing({
      target: { url: "http://collector.example/v1/traces", headers: { "x-key": "k" } },
      resource: { service: "comfyfleet-edge", version: "1", instance: "edge_1" },
      fetch: (url, init) => {
        requests.push({ url: String(url), init: init ?? {} });
        return answer();
      },
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      random: () => 0,
      onExported: (spans) => void (seen.exported += spans),
      onDropped: (spans) => void (seen.dropped += spans),
      logger: { warn: (_message, data) => void warnings.push(String(data?.["reason"])) },
    });
    return { tracing, requests, warnings, seen };
  }

  it("makes no spans without a target", async () => {
    const { tracing } = bench(() => Promise.reject(new Error("unused")));
    expect(tracing.record).not.toBeNull();
    const none = createTracing({
      target: null,
      resource: { service: "s", version: "1", instance: "i" },
      fetch: () => Promise.reject(new Error("unused")),
      sleep: () => Promise.resolve(),
      random: () => 0,
      onExported: () => {},
      onDropped: () => {},
      logger: { warn: () => {} },
    });
    expect(none.record).toBeNull();
    await none.stop(1);
  });

  it("posts OTLP JSON with ids in hex and 64-bit numbers as text", async () => {
    const { tracing, requests, seen } = bench(() => Promise.resolve(new Response("{}")));
    tracing.record?.(SPAN);
    await vi.advanceTimersByTimeAsync(1_000);
    const [request] = requests;
    expect(request?.url).toBe("http://collector.example/v1/traces");
    expect(request?.init).toMatchObject({ method: "POST", redirect: "error", headers: { "x-key": "k" } });
    expect(JSON.parse(String(request?.init.body))).toEqual({
      resourceSpans: [{
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "comfyfleet-edge" } },
            { key: "service.version", value: { stringValue: "1" } },
            { key: "service.instance.id", value: { stringValue: "edge_1" } },
          ],
        },
        scopeSpans: [{
          scope: { name: "comfyfleet", version: "1" },
          spans: [{
            traceId: SPAN.context.traceId,
            spanId: SPAN.context.spanId,
            parentSpanId: SPAN.parentSpanId,
            flags: 1,
            name: "jobs.submit",
            kind: 2,
            startTimeUnixNano: "1764000000123000000",
            endTimeUnixNano: "1764000000125500000",
            attributes: [
              { key: "comfyfleet.job", value: { stringValue: "job_1" } },
              { key: "n", value: { intValue: "3" } },
              { key: "share", value: { doubleValue: 0.5 } },
              { key: "cached", value: { boolValue: true } },
            ],
            status: { code: 2, message: "timeout" },
          }],
        }],
      }],
    });
    expect(seen.exported).toBe(1);
  });

  it.each([
    { answer: "429", tries: 4 },
    { answer: "503", tries: 4 },
    { answer: "400", tries: 1 },
    { answer: "refused connection", tries: 4 },
  ])("asks $tries times after $answer, then drops it and goes on", async ({ answer, tries }) => {
    const { tracing, requests, warnings, seen } = bench(() =>
      answer === "refused connection"
        ? Promise.reject(new TypeError("fetch failed"))
        : Promise.resolve(new Response(null, { status: Number(answer) }))
    );
    tracing.record?.(SPAN);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests).toHaveLength(tries);
    expect(seen).toEqual({ exported: 0, dropped: 1 });
    expect(warnings).toHaveLength(1);
  });
});
