/** Packets that find no direct path go through the relay: slower, seen, and nothing else changes. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { slow } from "../support/fleet/workflows.ts";
import { RELAY_ONLY } from "../support/tailnet/daemon.ts";
import { startTailnetFleet } from "../support/tailnet/fleet.ts";

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
  });
});
