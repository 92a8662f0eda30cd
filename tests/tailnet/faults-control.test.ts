/** The control server, its policy and the edge go away and come back; what is connected goes on. */
import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../client/mod.ts";
import { collect, reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { startDaemon } from "../support/tailnet/daemon.ts";
import { startTailnetFleet } from "../support/tailnet/fleet.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { EDGE_GRANT, policyOf } from "../support/tailnet/policies.ts";

const pod = { standInArgs: ["--step-ms", "20"] };
/** About six seconds. */
const STEPS = 300;
const CALLS_STOP_WITHIN_MS = 10_000;

describe.each(EDGE_RUNTIMES)("with the edge on %s", (runtime) => {
  it("control server killed during a job: it finishes, and so does the next; back again, pods join", async () => {
    await using fleet = await startTailnetFleet({ runtime, pod });
    const { tailnet, edge } = fleet;
    const stableId = await fleet.stableId();
    const job = edge.client.run(slow(STEPS));
    const watched = [collect(job)];
    await reached(job.watch(), 0.1);
    await tailnet.headscale.process.kill();
    await job;
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", losses: 0 });
    await tailnet.headscale.restart();
    expect(await fleet.stableId()).toBe(stableId);
    await using late = await tailnet.addDaemon("late");
    await until("the edge to meet the one that joined after", async () => {
      return (await edge.pods()).find(({ name }) => name === late.name) ?? null;
    });
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", losses: 0 });
    const { result } = await expectSucceededOnce(edge.store, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("edge killed and started again during a job: it finds its pod, and the job goes on", async () => {
    await using fleet = await startTailnetFleet({ runtime, pod });
    const { edge } = fleet;
    const job = edge.client.run(slow(STEPS));
    const watched = [collect(job)];
    await reached(job.watch(), 0.1);
    await edge.process.kill();
    edge.process.start();
    await edge.edge.waitReady();
    const back = await edge.podIn("ready", fleet.pod.name);
    expect(back.id).toBe(fleet.known.id);
    const { result } = await expectSucceededOnce(edge.store, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("a policy that grants nothing any more: calls stop within 10 s; granted again, they go on", async () => {
    await using fleet = await startTailnetFleet({ runtime, pod });
    const { tailnet, edge, known } = fleet;
    expect(await tailnet.headscale.setPolicy(policyOf([]))).toEqual({ taken: true });
    const revokedMs = performance.now();
    await until("calls to stop", async () => {
      const signal = AbortSignal.timeout(6_000);
      const answer = await edge.client.pod(known.id).pod.describe.query(undefined, { signal }).catch(() => null);
      return answer === null || null;
    });
    const tookMs = performance.now() - revokedMs;
    console.log(`${runtime}: revoked → the first call failed after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(CALLS_STOP_WITHIN_MS);
    // Without a grant the two are no peers: for the edge the pod has left.
    await edge.podGone(fleet.pod.name);
    expect(await tailnet.headscale.setPolicy(shippedPolicy())).toEqual({ taken: true });
    await edge.podIn("ready", fleet.pod.name, 30_000);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
  });
});

describe("with the edge on deno", () => {
  it("a capability that is revoked under way: the agent cuts the stream; granted again, the same run goes on", async () => {
    // Whoever is locked out is not to lose the run meanwhile, however slow the machine.
    await using fleet = await startTailnetFleet({ runtime: "deno", pod, edge: { env: { POD_LOST_MS: "60000" } } });
    const { tailnet, edge } = fleet;
    const job = edge.client.run(slow(STEPS * 3));
    /** When the watcher heard of a step. */
    const heardMs: number[] = [];
    const watched = (async () => {
      const all: JobEvent[] = [];
      for await (const event of job) {
        all.push(event);
        if (event.type === "progress") heardMs.push(performance.now());
      }
      return all;
    })();
    await reached(job.watch(), 0.02);
    const saidBefore = fleet.pod.agent.log().length;
    expect(await tailnet.headscale.setPolicy(policyOf([{ src: "tag:edge" }]))).toEqual({ taken: true });
    const revokedMs = performance.now();
    await until("the agent to cut the edge off", () => {
      const said = fleet.pod.agent.log().slice(saidBefore);
      return /"caller cut off".*"its right was revoked"/.test(said) || null;
    });
    const cutMs = performance.now() - revokedMs;
    console.log(`revoked → the agent cut the edge's connections after ${Math.round(cutMs)} ms`);
    expect(cutMs).toBeLessThan(CALLS_STOP_WITHIN_MS);
    const condition = await until("the edge to say that it is not let in", async () => {
      const { conditions } = await edge.client.trpc.pods.get.query({ podId: fleet.known.id });
      return conditions.find(({ reason }) => reason === "Forbidden") ?? null;
    });
    expect(condition).toMatchObject({ type: "Reachable", status: "false" });
    // The run goes on in the pod, a step every 20 ms. Each connection is looked at in its own time, so that the last word
    // of it may come after the first was cut.
    await until("nothing to be heard", () => performance.now() - (heardMs.at(-1) ?? 0) > 2_000 || null);
    expect((heardMs.at(-1) ?? 0) - revokedMs).toBeLessThan(CALLS_STOP_WITHIN_MS);
    expect((await job.get()).state).toBe("running");
    const heard = heardMs.length;
    expect(await tailnet.headscale.setPolicy(policyOf([EDGE_GRANT]))).toEqual({ taken: true });
    await edge.podIn("ready", fleet.pod.name, 30_000);
    await until("progress again", () => heardMs.length > heard || null);
    const { result } = await expectSucceededOnce(edge.store, job, [watched]);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("its tailscaled killed and started again: the same node, and pods that left meanwhile are gone", async () => {
    await using fleet = await startTailnetFleet({ runtime: "deno", pod });
    const { tailnet, edge } = fleet;
    const leaving = await tailnet.addDaemon("leaving");
    await until("both to be known", async () => (await edge.pods()).length === 2 || null);
    await edge.daemon.process.kill();
    await leaving.api.logout(AbortSignal.timeout(5_000));
    await using again = await startDaemon({
      ...{ dir: `${edge.edge.dataDir}/edge`, binaries: tailnet.binaries, name: edge.daemon.name, key: "" },
      controlUrl: tailnet.headscale.url,
    });
    expect(again.stableId).toBe(edge.daemon.stableId);
    await edge.podGone("leaving");
    await edge.podIn("ready", fleet.pod.name, 30_000);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
  });
});
