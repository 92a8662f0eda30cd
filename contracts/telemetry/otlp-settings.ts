/** Where spans go: the variables that OpenTelemetry names for it, the same for edge and agent. */
import { z } from "zod";

export interface OtlpTarget {
  /** Of the traces alone. */
  url: string;
  headers: Record<string, string>;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** `name=value,name=value`, the values percent-encoded. */
const Headers = z.string().default("").transform((text, ctx): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const pair of text.split(",").filter((part) => part.trim() !== "")) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(at, 0)).trim();
    try {
      if (!HEADER_NAME.test(name)) throw new Error("no header name");
      headers[name] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      ctx.addIssue({ code: "custom", message: "expected name=value,name=value with percent-encoded values" });
      return z.NEVER;
    }
  }
  return headers;
});

export const OTLP_SETTINGS = {
  /** Base address of an OTLP/HTTP collector; spans go to `/v1/traces` below it. Without it none are made. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** Sent with every request to it. */
  OTEL_EXPORTER_OTLP_HEADERS: Headers,
  /** `service.name` of the spans. */
  OTEL_SERVICE_NAME: z.string().min(1).max(200).optional(),
};

/** Null where none is configured. */
export function otlpTarget(
  config: { OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined; OTEL_EXPORTER_OTLP_HEADERS: Record<string, string> },
): OtlpTarget | null {
  const base = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (base === undefined) return null;
  return { url: `${base.replace(/\/+$/, "")}/v1/traces`, headers: config.OTEL_EXPORTER_OTLP_HEADERS };
}
