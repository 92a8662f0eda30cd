/** `GET /metrics`: Prometheus text. */
import { METRICS_CONTENT_TYPE } from "../../contracts/telemetry/metrics.ts";

export async function metricsResponse(metrics: () => Promise<string>): Promise<Response> {
  const headers = { "content-type": METRICS_CONTENT_TYPE, "cache-control": "no-store" };
  return new Response(await metrics(), { headers });
}
