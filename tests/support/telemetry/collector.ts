/** An OTLP/HTTP collector that keeps what it is sent, or never answers. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

const Attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const Id = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const Nanoseconds = z.string().regex(/^\d{19}$/);
const Span = z.strictObject({
  traceId: Id(32),
  spanId: Id(16),
  parentSpanId: Id(16).optional(),
  flags: z.number(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: Nanoseconds,
  endTimeUnixNano: Nanoseconds,
  attributes: z.array(Attribute),
  status: z.strictObject({ code: z.literal(2).optional(), message: z.string().optional() }),
});
const Request = z.strictObject({
  resourceSpans: z.array(z.strictObject({
    resource: z.strictObject({ attributes: z.array(Attribute) }),
    scopeSpans: z.array(z.strictObject({ scope: z.object({ name: z.string() }), spans: z.array(Span) })),
  })),
});

export type ReceivedSpan = z.infer<typeof Span> & { service: string };

export interface Collector extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  /** Of the trace, in the order they came. @throws where a request was no OTLP JSON */
  spans(traceId: string): ReceivedSpan[];
  /** Headers of the last request; null before the first. */
  lastHeaders(): Record<string, unknown> | null;
}

export async function startCollector({ answers = true }: { answers?: boolean } = {}): Promise<Collector> {
  const bodies: { path: string; text: string }[] = [];
  let headers: Record<string, unknown> | null = null;
  const server = createServer((request, response) => {
    headers = request.headers;
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      bodies.push({ path: request.url ?? "", text });
      if (answers) response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans(traceId) {
      const received = bodies.flatMap(({ path, text }) => {
        if (path !== "/v1/traces") throw new Error(`spans were sent to ${path}`);
        return Request.parse(JSON.parse(text)).resourceSpans.flatMap(({ resource, scopeSpans }) => {
          const name = resource.attributes.find(({ key }) => key === "service.name")?.value["stringValue"];
          return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service: String(name) })));
        });
      });
      return received.filter((span) => span.traceId === traceId);
    },
    lastHeaders: () => headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
