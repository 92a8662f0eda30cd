/**
 * Thirty pods join in a row, and thirty leave: the edge and headscale agree on who is there, at both ends. Each is an agent
 * with a tailscaled and a state folder of its own, on a machine of its own; they share one stand-in for ComfyUI.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { until } from "../support/fleet/until.ts";
import { manageProcess } from "../support/fleet/process.ts";
import { quick } from "../support/fleet/workflows.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { type Place, startHub, whyNoMachines } from "../support/tailnet/places.ts";
import { POD_PORTS, startPod, type TailnetPod } from "../support/tailnet/pod.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

const whyNot = whyNoMachines();
if (whyNot !== null) console.log(`Skipped: thirty pods: ${whyNot}`);

const COUNT = 30;
const FAKE_COMFY = fileURLToPath(new URL("../../fake-comfy/main.ts", import.meta.url));

/** Names of what is on the tailnet, at the edge and at headscale. */
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

/** Listens where all machines reach it, which no real ComfyUI may: it lets in whoever comes. */
function startComfy(tailnet: TestTailnet, host: string): AsyncDisposable {
  const base = tailnet.makeFolder("comfy");
  const args = [
    "--base-directory",
    base,
    "--disable-all-custom-nodes",
    "--listen",
    host,
    "--port",
    String(POD_PORTS.comfy),
  ];
  const comfy = manageProcess({
    command: [process.execPath, FAKE_COMFY, ...args],
    env: { PATH: process.env.PATH, HOME: base },
    logPath: join(base, "comfy.log"),
  });
  return { [Symbol.asyncDispose]: () => comfy.kill() };
}

function spread(ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b).map((one) => Math.round(one));
  return `median ${sorted[Math.floor(sorted.length / 2)]} ms, longest ${sorted.at(-1)} ms`;
}

describe.skipIf(whyNot !== null)("thirty pods", () => {
  it("join one after the other, and leave one after the other and in a burst", async () => {
    using hub = startHub();
    await using tailnet = await startTailnet({ host: hub.address });
    await using edge = await startEdge(tailnet, { runtime: "deno" });
    await using _comfy = startComfy(tailnet, hub.address);
    await edge.edge.waitReady();
    await using stack = new AsyncDisposableStack();
    const env = {
      ...{ COMFYUI_COMMAND: "", COMFYUI_ARGS: "", COMFYUI_PORT: "" },
      ...{ COMFYUI_URL: `http://${hub.address}:${POD_PORTS.comfy}`, COMFYUI_ALLOW_REMOTE: "1" },
    };

    const pods: TailnetPod[] = [];
    const joinMs: number[] = [];
    const startedMs = performance.now();
    async function joinAs(name: string, place: Place): Promise<void> {
      const fromMs = performance.now();
      pods.push(stack.use(await startPod(tailnet, { name, place, env })));
      await edge.podIn("ready", name, 60_000);
      joinMs.push(performance.now() - fromMs);
    }
    for (let number = 1; number <= COUNT; number += 1) await joinAs(`many-${number}`, await hub.addMachine());
    const joinedMs = performance.now();
    await agree(COUNT, edge, tailnet);
    const [atEdge, atHeadscale] = await lists(edge, tailnet);
    expect(atEdge).toEqual(atHeadscale);
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", losses: 0 });

    const leaveMs: number[] = [];
    async function leave(pod: TailnetPod): Promise<void> {
      const fromMs = performance.now();
      expect(await pod.agent.terminate()).toMatchObject({ code: 0 });
      await edge.podGone(pod.name);
      leaveMs.push(performance.now() - fromMs);
    }
    for (const pod of pods.slice(0, 10)) await leave(pod);
    const inARow = leaveMs.splice(0);
    await agree(COUNT - 10, edge, tailnet);
    const burstMs = performance.now();
    await Promise.all(pods.slice(10).map(leave));
    await agree(0, edge, tailnet);
    expect(await lists(edge, tailnet)).toEqual([[], []]);
    expect(pods.flatMap(({ daemonPids }) => daemonPids())).toEqual([]);
    const s = (fromMs: number, toMs: number) => `${((toMs - fromMs) / 1_000).toFixed(1)} s`;
    console.log(
      `${COUNT} agents joined in a row in ${s(startedMs, joinedMs)}, each from start to ready: ${spread(joinMs)}; ` +
        `10 left in a row, each from SIGTERM to gone: ${spread(inARow)}; ` +
        `20 at once in ${s(burstMs, performance.now())}: ${spread(leaveMs)}`,
    );
  }, 300_000);
});
