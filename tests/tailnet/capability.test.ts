/** A policy that grants the roles under another name than the shipped one, as where the shipped name is somebody else's. */
import { describe, expect, it } from "vitest";
import { until } from "../support/fleet/until.ts";
import { quick } from "../support/fleet/workflows.ts";
import { startEdge } from "../support/tailnet/edge.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { EDGE_GRANT, policyOf } from "../support/tailnet/policies.ts";
import { startTailnet } from "../support/tailnet/tailnet.ts";

const CAPABILITY = "example.org/cap/gpu-pods";

describe("a capability of another name", () => {
  it("counts for an agent that has it as TAILNET_CAPABILITY, and for no other", async () => {
    await using tailnet = await startTailnet({ policy: policyOf([{ ...EDGE_GRANT, capability: CAPABILITY }]) });
    await using edge = await startEdge(tailnet, { runtime: "deno" });
    await edge.edge.waitReady();
    await using pod = await startPod(tailnet, { name: "gpu-1" });
    const refusal = await until("the edge to be refused", async () => {
      const [only] = await edge.pods();
      return only?.conditions.find(({ reason }) => reason === "Forbidden") ?? null;
    }, 20_000);
    expect(refusal).toMatchObject({ type: "Reachable", status: "false" });
    expect(pod.agent.log()).toMatch(/"caller has no role".*"comfyfleet.internal\/cap\/agent"/);
    const { checks } = await edge.client.trpc.tailnet.status.query();
    expect(checks.find(({ name }) => name === "pod gpu-1 capability")).toMatchObject({
      status: "failed",
      fix: expect.stringContaining("app grant"),
    });

    await pod.agent.kill();
    pod.agent.start({ TAILNET_CAPABILITY: CAPABILITY });
    const { id } = await edge.podIn("ready", "gpu-1");
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", podId: id });
    const { checks: own } = await edge.client.pod(id).tailnet.selfCheck.query();
    expect(own.find(({ name }) => name === "caller")).toMatchObject({
      status: "ok",
      message: expect.stringContaining("invoke, observe, operate"),
    });
  });
});
