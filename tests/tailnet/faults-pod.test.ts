/** What of a pod is killed while it works: it is back in seconds as the same node, and its job goes on or begins anew. */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { daemonFiles } from "../../contracts/tailnet/daemon.ts";
import { collect, reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { startTailnetFleet, type TailnetFleet } from "../support/tailnet/fleet.ts";
import { EPHEMERAL_TIMEOUT_MS } from "../support/tailnet/headscale-config.ts";

const BACK_WITHIN_MS = 5_000;
/** A job of about six seconds: longer than whatever it goes through below. */
const STEPS = 300;
const pod = { standInArgs: ["--step-ms", "20"] };

function killDaemon({ pod: { daemonPids } }: TailnetFleet): void {
  const pids = daemonPids();
  expect(pids).toHaveLength(1);
  for (const pid of pids) process.kill(pid, "SIGKILL");
}

const FAULTS: Record<string, (fleet: TailnetFleet) => Promise<void> | void> = {
  async agent(fleet) {
    await fleet.pod.agent.kill();
    fleet.pod.agent.start();
  },
  tailscaled: killDaemon,
  async "agent and tailscaled"(fleet) {
    await fleet.pod.agent.kill();
    killDaemon(fleet);
    fleet.pod.agent.start();
  },
};

describe.each(EDGE_RUNTIMES)("kill -9, with the edge on %s", (runtime) => {
  it.each(Object.keys(FAULTS))("%s: back in 5 s without a key, as the same node; its job goes on", async (name) => {
    await using fleet = await startTailnetFleet({ runtime, pod });
    const stableId = await fleet.stableId();
    // What makes whoever has it the pod.
    const { state } = daemonFiles(join(fleet.pod.dir, "agent", "tailnet"));
    expect(statSync(state).mode & 0o777).toBe(0o600);
    rmSync(join(fleet.pod.dir, "key"));
    const job = fleet.edge.client.run(slow(STEPS));
    const watched = [collect(job)];
    await reached(job.watch(), 0.1);
    const killedMs = performance.now();
    await FAULTS[name]?.(fleet);
    const backMs = await fleet.backAfterMs(killedMs);
    console.log(`${runtime}: ${name} killed → the edge has an answer after ${Math.round(backMs)} ms`);
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);
    expect(await fleet.stableId()).toBe(stableId);
    const { result } = await expectSucceededOnce(fleet.edge.store, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
  });
});

describe("kill -9 of a whole pod", () => {
  it("its job is queued again, and runs when the pod is back with the state that it had", async () => {
    await using fleet = await startTailnetFleet({ runtime: "deno", pod });
    const stableId = await fleet.stableId();
    const job = fleet.edge.client.run(slow(STEPS));
    const watched = [collect(job)];
    await reached(job.watch(), 0.1);
    await fleet.pod.killAll();
    await fleet.edge.podIn("lost", fleet.pod.name);
    expect(await job.get()).toMatchObject({ state: "queued", losses: 1 });
    fleet.pod.agent.start();
    await fleet.edge.podIn("ready", fleet.pod.name);
    expect(await fleet.stableId()).toBe(stableId);
    const { result } = await expectSucceededOnce(fleet.edge.store, job, watched);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
  });

  it("its node is taken off the tailnet when its time is over, and the pod is gone", async () => {
    await using fleet = await startTailnetFleet({ runtime: "node", pod });
    await fleet.pod.killAll();
    const killedMs = performance.now();
    await fleet.edge.podGone(fleet.pod.name, EPHEMERAL_TIMEOUT_MS + 40_000);
    console.log(`pod killed → gone after ${Math.round((performance.now() - killedMs) / 1_000)} s`);
    expect((await fleet.tailnet.headscale.nodes()).map(({ name }) => name)).toEqual(["edge"]);
    const job = fleet.edge.client.run(quick());
    await until("the job to say why it waits", async () => (await job.get()).waiting);
    await job.cancel();
  }, 150_000);
});
