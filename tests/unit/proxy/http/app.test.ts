import { describe, expect, it } from "vitest";
import { createApp } from "../../../../proxy/http/app.ts";
import { createEdgeMetrics } from "../../../../proxy/telemetry/edge-metrics.ts";
import type { Logger } from "../../../../proxy/telemetry/logger.ts";
import { createManualClock } from "../jobs/manual-clock.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

function unasked(): never {
  throw new Error("nobody asks for this");
}

/** An edge whose pass-through answers with this. */
function appAnswering(response: Response) {
  return createApp({
    authenticate: () => Promise.resolve(null),
    trpc: unasked,
    pods: () => Promise.resolve(response),
    v2: () => Promise.resolve(response),
    assets: { upload: unasked, download: unasked },
    health: { ready: unasked, components: unasked },
    corsOrigins: [],
    logger: quiet,
    stopping: new AbortController().signal,
    clock: createManualClock(),
    metrics: createEdgeMetrics(),
    readGauges: unasked,
    record: null,
  });
}

describe("createApp", () => {
  it("createApp() sends the response that a route made, with the request id, and puts nothing around its body", async () => {
    for (const path of ["/pods/x", "/api/v2/jobs/x/events"]) {
      const body = new Blob(["bytes"]).stream();
      const made = new Response(body, { headers: { "content-type": "text/plain" } });
      const sent = await appAnswering(made).request(path, { headers: { "x-request-id": "mine" } });
      expect(sent).toBe(made);
      expect(sent.body).toBe(made.body);
      expect(sent.headers.get("x-request-id")).toBe("mine");
      expect(await sent.text()).toBe("bytes");
    }
  });
});
