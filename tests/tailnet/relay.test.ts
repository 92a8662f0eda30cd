/** How packets get to a pod: by the relay where they find no direct path, which is slower, seen, and changes nothing else. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { TestEdge } from "../support/fleet/edge.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { slow } from "../support/fleet/workflows.ts";
import { RELAY_ONLY } from "../support/tailnet/daemon.ts";
import { startTailnetFleet } from "../support/tailnet/fleet.ts";
import { type Family, parsePrometheus, sample } from "../support/telemetry/prometheus.ts";

async function scrape({ baseUrl, apiKey }: TestEdge): Promise<Map<string, Family>> {
  return parsePrometheus((await ask(`${baseUrl}/metrics`, { key: apiKey })).text);
}

describe.each(EDGE_RUNTIMES)("over the relay alone, with the edge on %s", (runtime) => {
  it("a whole job; the edge says that the path is relayed, and how long a packet takes", async () => {
    await using fleet = await startTailnetFleet({
      runtime,
      edge: { node: { env: RELAY_ONLY } },
      pod: { env: RELAY_ONLY, standInArgs: ["--step-ms", "5"] },
    });
    const { client } = fleet.edge;
    const { job, outputs: [output] } = await client.run(slow(100));
    expect(job).toMatchObject({ state: "succeeded", losses: 0 });
    const bytes = await output?.bytes() ?? new Uint8Array();
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(output?.sha256);
    const path = await until("the path to be known", async () => {
      const { conditions } = await client.trpc.pods.get.query({ podId: fleet.known.id });
      return conditions.find(({ type, status }) => type === "PathDirect" && status !== "unknown") ?? null;
    });
    expect(path).toMatchObject({ status: "false", reason: "Relayed", message: expect.stringContaining("test") });
    const { pods, checks } = await client.trpc.tailnet.status.query();
    expect(pods).toEqual([{ podId: fleet.known.id, path: "relay", latencyMs: expect.any(Number) }]);
    expect(checks.find(({ name }) => name.endsWith(" path"))).toMatchObject({ status: "warning" });
    const scraped = await scrape(fleet.edge.edge);
    expect(sample(scraped, 'comfyfleet_tailnet_pods{kind="relay"}')).toBe(1);
    expect(sample(scraped, `comfyfleet_tailnet_pod_direct{pod="${fleet.known.id}"}`)).toBe(0);
    const latencyS = sample(scraped, `comfyfleet_tailnet_pod_latency_seconds{pod="${fleet.known.id}"}`);
    expect(latencyS).toBeGreaterThan(0);
    expect(latencyS).toBeLessThan(5);
  });
});

describe.each(EDGE_RUNTIMES)("over a direct path, with the edge on %s", (runtime) => {
  it("a scrape has path and latency of the pod, and nothing of it any more once it has left", async () => {
    await using fleet = await startTailnetFleet({ runtime });
    const series = (name: string) => `comfyfleet_tailnet_pod_${name}{pod="${fleet.known.id}"}`;
    const direct = await until("the path to be direct", async () => {
      const scraped = await scrape(fleet.edge.edge);
      return sample(scraped, series("direct")) === 1 ? scraped : null;
    });
    const latencyS = sample(direct, series("latency_seconds"));
    expect(latencyS).toBeGreaterThan(0);
    expect(latencyS).toBeLessThan(5);
    expect(sample(direct, 'comfyfleet_tailnet_pods{kind="direct"}')).toBe(1);

    await fleet.pod.agent.terminate();
    await fleet.edge.podGone(fleet.pod.name);
    const after = await scrape(fleet.edge.edge);
    for (const name of ["direct", "latency_seconds"]) {
      expect(after.get(`comfyfleet_tailnet_pod_${name}`)?.samples.size).toBe(0);
    }
    expect(sample(after, 'comfyfleet_tailnet_pods{kind="direct"}')).toBe(0);
  });
});
