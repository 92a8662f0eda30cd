/** Thirty pods join in a row, and thirty leave: the edge and headscale agree on who is there, at both ends. */
import { describe, expect, it } from "vitest";
import { until } from "../support/fleet/until.ts";
import type { Daemon } from "../support/tailnet/daemon.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

const COUNT = 30;

/** Names at the edge, and at headscale. */
async function lists(edge: TailnetEdge, tailnet: TestTailnet): Promise<[string[], string[]]> {
  const nodes = (await tailnet.headscale.nodes()).filter(({ tags }) => tags.includes("tag:pod"));
  return [(await edge.pods()).map(({ name }) => name).toSorted(), nodes.map(({ name }) => name).toSorted()];
}

function agree(count: number, edge: TailnetEdge, tailnet: TestTailnet): Promise<true> {
  return until(`both lists to have ${count} pods`, async () => {
    const [atEdge, atHeadscale] = await lists(edge, tailnet);
    return (atEdge.length === count && atHeadscale.length === count) || null;
  }, 30_000);
}

describe("thirty pods", () => {
  it("join one after the other, and leave one after the other and in a burst", async () => {
    await using tailnet = await startTailnet();
    await using edge = await startEdge(tailnet, { runtime: "deno" });
    await edge.edge.waitReady();
    const startedMs = performance.now();
    const pods: Daemon[] = [];
    for (let number = 1; number <= COUNT; number += 1) pods.push(await tailnet.addDaemon(`many-${number}`));
    const joinedMs = performance.now();
    await agree(COUNT, edge, tailnet);
    const seenMs = performance.now();
    const [atEdge, atHeadscale] = await lists(edge, tailnet);
    expect(atEdge).toEqual(atHeadscale);

    const logout = ({ api }: Daemon) => api.logout(AbortSignal.timeout(10_000));
    for (const pod of pods.slice(0, 10)) await logout(pod);
    await agree(COUNT - 10, edge, tailnet);
    const tenMs = performance.now();
    await Promise.all(pods.slice(10).map(logout));
    const allMs = performance.now();
    await agree(0, edge, tailnet);
    const goneMs = performance.now();
    expect(await lists(edge, tailnet)).toEqual([[], []]);
    const s = (fromMs: number, toMs: number) => `${((toMs - fromMs) / 1_000).toFixed(1)} s`;
    console.log(
      `${COUNT} pods joined in a row in ${s(startedMs, joinedMs)}, all at the edge ${s(joinedMs, seenMs)} later; ` +
        `10 left in a row in ${s(seenMs, tenMs)}, 20 at once in ${s(tenMs, allMs)}, all gone ${s(allMs, goneMs)} later`,
    );
  }, 120_000);
});
