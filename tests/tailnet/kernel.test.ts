/** An edge whose tailscaled has a kernel device: its machine has routes to pods then, and the edge takes none of them. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { TailnetCheck } from "../../contracts/tailnet/report.ts";
import { AGENT_PORT } from "../../contracts/tailnet/words.ts";
import { jsonLines, runCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES } from "../support/fleet/fleet.ts";
import { until } from "../support/fleet/until.ts";
import { quick } from "../support/fleet/workflows.ts";
import { soon } from "../support/tailnet/daemon.ts";
import { startTailnetFleet, type TailnetFleet } from "../support/tailnet/fleet.ts";
import { reach } from "../support/tailnet/reach.ts";
import { connectionCounts, TUNNEL, whyNoTunnel } from "../support/tailnet/tunnel.ts";

const whyNot = whyNoTunnel();
if (whyNot !== null) console.log(`Skipped: an edge on a kernel device: ${whyNot}`);

/** Of no node. */
const NOBODY_IP = "100.64.0.77";
const WITHIN_MS = 5_000;

/** Answers at an address of the tailnet's range that is on this machine, and counts who comes. */
async function startImpostor(ip: string): Promise<{ calls: () => number } & AsyncDisposable> {
  execFileSync("ip", ["address", "add", `${ip}/32`, "dev", "lo"], { stdio: "pipe" });
  let calls = 0;
  const server = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  server.listen(AGENT_PORT, ip);
  await once(server, "listening");
  return {
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
      execFileSync("ip", ["address", "del", `${ip}/32`, "dev", "lo"], { stdio: "pipe" });
    },
  };
}

async function statusOf(url: string): Promise<number | undefined> {
  // A connection of its own: the next test's pod has this one's address.
  const [answer] = await once(get(url, { agent: false, signal: soon() }), "response") as [IncomingMessage];
  answer.destroy();
  return answer.statusCode;
}

/** By the kernel's own routes, as any program of the machine connects. */
async function connectPlainly(ip: string): Promise<void> {
  const socket = connect({ host: ip, port: AGENT_PORT });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(WITHIN_MS) });
  } finally {
    socket.destroy();
  }
}

async function podAddress({ edge, pod }: TailnetFleet): Promise<string> {
  const { Peer } = await edge.daemon.api.status({ peers: true }, soon());
  const [ip] = Peer.find(({ HostName }) => HostName === pod.name)?.TailscaleIPs ?? [];
  return ip ?? expect.unreachable(`${pod.name} is no peer`);
}

describe.skipIf(whyNot !== null).each(EDGE_RUNTIMES)("an edge on %s with a kernel device", (runtime) => {
  const start = () => startTailnetFleet({ runtime, edge: { node: { tun: TUNNEL } } });

  it("calls its pod and runs a job there, over tailscaled's socket alone", async () => {
    const resolvers = readFileSync("/etc/resolv.conf", "utf8");
    await using fleet = await start();
    const { client, daemon, process: edge } = fleet.edge;
    expect((await daemon.api.status({ peers: false }, soon())).TUN).toBe(true);

    expect((await client.pod(fleet.known.id).comfy.status.query()).takesJobs).toBe(true);
    const { job, outputs: [output] } = await client.run(quick());
    expect(job).toMatchObject({ state: "succeeded", podId: fleet.known.id, losses: 0 });
    const bytes = await output?.bytes() ?? new Uint8Array();
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(output?.sha256);

    const ip = await podAddress(fleet);
    const [ofDaemon, ofEdge] = connectionCounts(ip, AGENT_PORT, [daemon.process.pid, edge.pid]);
    expect({ ofEdge, isDialled: (ofDaemon ?? 0) > 0 }).toEqual({ ofEdge: 0, isDialled: true });
    expect(readFileSync("/etc/resolv.conf", "utf8")).toBe(resolvers);
  });

  it("sends nothing to who answers outside at the address of a pod that has left, where the machine's own routes do", async () => {
    await using fleet = await start();
    const { edge, tailnet } = fleet;
    const ip = await podAddress(fleet);
    // As long as it is a peer, both ways lead to it: whoever is on the edge's machine calls it as the edge.
    await connectPlainly(ip);
    expect(await statusOf(`http://${ip}:${AGENT_PORT}/trpc/pod.describe`)).toBe(200);

    await tailnet.headscale.deleteNode(await fleet.stableId());
    await edge.podGone(fleet.pod.name);
    for (const address of [ip, NOBODY_IP]) {
      await using impostor = await startImpostor(address);
      await until("the machine's routes to lead outside", async () => {
        await connectPlainly(address).catch(() => {});
        return impostor.calls() > 0 || null;
      });
      const before = impostor.calls();
      expect(await reach(edge.daemon, address, AGENT_PORT)).toBe("no peer");
      await expect(edge.client.pod(fleet.known.id).pod.describe.query()).rejects.toThrow();
      expect(impostor.calls()).toBe(before);
    }
  });

  it("says of itself and of its pod what it says in userspace mode, and that it has a device", async () => {
    await using fleet = await start();
    const { client, edge } = fleet.edge;
    const names = (checks: TailnetCheck[]) => checks.map(({ name }) => name);
    const trouble = (checks: TailnetCheck[]) => checks.filter(({ status }) => status === "failed");

    const status = await until("the path to be known", async () => {
      const found = await client.trpc.tailnet.status.query();
      return found.pods.some(({ path }) => path === "direct") ? found : null;
    });
    expect(status.checks[0]).toEqual({
      ...{ name: "tailscaled", status: "ok", fix: null },
      message: expect.stringMatching(/^Running with a kernel device, version \d/),
    });
    expect(names(status.checks)).toEqual(expect.arrayContaining(["tag", "pod gpu-1 path", "pod gpu-1 capability"]));
    expect(trouble(status.checks)).toEqual([]);

    const { checks } = await client.trpc.tailnet.check.mutate();
    expect(trouble(checks)).toEqual([]);
    const closed = ["pod gpu-1 port 8188", "pod gpu-1 port 8888", "pod gpu-1: edge edge port 8080"];
    for (const name of closed) expect(checks).toContainEqual(expect.objectContaining({ name, status: "ok" }));

    const env = { COMFYFLEET_URL: edge.baseUrl, COMFYFLEET_KEY: edge.apiKey };
    const doctor = await runCli(["doctor", "--json"], { cwd: fleet.tailnet.dir, env });
    const Said = z.object({ data: z.object({ checks: z.array(TailnetCheck) }) });
    const lines = Said.parse(jsonLines(doctor).at(-1)).data.checks;
    expect(lines).toContainEqual({ ...status.checks[0], name: "tailnet tailscaled" });
    expect(trouble(lines)).toEqual([]);
  });
});
