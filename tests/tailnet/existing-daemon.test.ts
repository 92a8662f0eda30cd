/** A pod whose tailscaled somebody else runs, as where a container's image has it: the agent uses it, and leaves it alone. */
import { describe, expect, it } from "vitest";
import { quick } from "../support/fleet/workflows.ts";
import { startEdge } from "../support/tailnet/edge.ts";
import { soon } from "../support/tailnet/daemon.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { startTailnet } from "../support/tailnet/tailnet.ts";

describe("an agent with TS_SOCKET", () => {
  it("takes jobs over the node that is there, and neither logs it out nor ends its daemon", async () => {
    await using tailnet = await startTailnet();
    await using edge = await startEdge(tailnet, { runtime: "node" });
    await edge.edge.waitReady();
    const daemon = await tailnet.addDaemon("gpu-1", { dir: tailnet.makeFolder("image") });
    await using pod = await startPod(tailnet, {
      name: "gpu-1",
      env: { TS_SOCKET: daemon.socketPath, TS_AUTHKEY: "", TS_HOSTNAME: "", TS_CONTROL_URL: "" },
    });
    const ready = await edge.podIn("ready", "gpu-1");
    expect(pod.daemonPids()).toEqual([]);
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", podId: ready.id });

    expect(await pod.agent.terminate()).toMatchObject({ code: 0 });
    expect((await daemon.api.status({ peers: false }, soon())).BackendState).toBe("Running");
    pod.agent.start();
    const again = await edge.podIn("ready", "gpu-1");
    expect(again.id).toBe(ready.id);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
  });
});
