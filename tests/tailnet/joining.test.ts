/** Pods that cannot join yet: what their agents say to whoever started them, and that they join by themselves. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { quick } from "../support/fleet/workflows.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { standing } from "../support/tailnet/standing.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";
import { startTlsFront, TRUSTED } from "../support/tailnet/tls-front.ts";

let tailnet: TestTailnet;
let edge: TailnetEdge;
beforeAll(async () => {
  tailnet = await startTailnet();
  edge = await startEdge(tailnet, { runtime: "deno" });
  await edge.edge.waitReady();
});
afterAll(async () => {
  await edge?.[Symbol.asyncDispose]();
  await tailnet?.[Symbol.asyncDispose]();
});

const names = async () => (await tailnet.headscale.nodes()).map(({ name }) => name).toSorted();

describe("a pod that starts", () => {
  it("while the control server is down says so, and joins with the same key as soon as that is up", async () => {
    const key = await tailnet.headscale.mint();
    await tailnet.headscale.process.kill();
    await using pod = await startPod(tailnet, { name: "early", key });
    const { message, fix, status } = await standing(pod, "control_down");
    expect(status).toBe(503);
    expect(message).toMatch(/^Cannot reach the control server: .*connection refused/);
    expect(fix).toContain("TS_CONTROL_URL");
    expect(`${message} ${pod.agent.log()}`).not.toContain(key);
    await tailnet.headscale.restart();
    const upMs = performance.now();
    const { id } = await edge.podIn("ready", "early", 40_000);
    console.log(`control server up → pod ready after ${Math.round(performance.now() - upMs)} ms`);
    expect(await standing(pod, "running")).toMatchObject({ status: 200, fix: null });
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", podId: id });
    await pod.agent.terminate();
    await edge.podGone("early");
  }, 90_000);

  it("with a clock that is behind is told so, and joins with the same key once it is right", async () => {
    await using front = await startTlsFront(tailnet.headscale.url, "too new");
    await using pod = await startPod(tailnet, {
      ...{ name: "dated", key: await tailnet.headscale.mint() },
      env: { TS_CONTROL_URL: front.url, ...TRUSTED },
    });
    const { message, fix, status } = await standing(pod, "clock_skew");
    expect(status).toBe(503);
    expect(message).toMatch(/^Cannot join: the clocks differ, or the certificate is bad: .*is before 2090/);
    expect(fix).toContain("NTP");
    expect(await names()).toEqual(["edge"]);
    // The test cannot move the pod's clock. To the pod it is the same when the certificate's time has come.
    front.show("valid");
    await edge.podIn("ready", "dated", 40_000);
    expect(await standing(pod, "running")).toMatchObject({ status: 200, fix: null });
  }, 90_000);
});
