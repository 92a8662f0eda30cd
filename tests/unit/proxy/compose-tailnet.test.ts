import { createServer, type ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import type { PodId } from "../../../contracts/ids.ts";
import { composeTailnet } from "../../../proxy/compose-tailnet.ts";
import { parseConfig } from "../../../proxy/config.ts";
import { createEdgeMetrics } from "../../../proxy/telemetry/edge-metrics.ts";
import { systemClock } from "../../../proxy/time/clock.ts";
import { runningStatus, startFakeLocalApi } from "../../support/tailnet/fake-local-api.ts";
import { parsePrometheus } from "../../support/telemetry/prometheus.ts";
import { silentLogger } from "./jobs/silent-logger.ts";
import { until } from "./pods/pod-side.ts";
import { memoryStore } from "./store/memory-store.ts";

const POD = { ID: "n2", NodeID: 2, HostName: "gpu-1", TailscaleIPs: ["100.64.0.2"], Tags: ["tag:pod"], Online: true };

async function setUp() {
  const base = await memoryStore();
  const daemon = await startFakeLocalApi();
  daemon.status = runningStatus({ Peer: { "key:n2": POD } });
  const answers = new Map<string | undefined, ServerResponse>();
  const agent = createServer(({ url }, response) => void answers.set(url, response.writeHead(200)));
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  daemon.onDial = () => (agent.address() as { port: number }).port;
  const config = parseConfig({ TS_SOCKET: daemon.socketPath, EDGE_PODS: "[]" }, () => "");
  const parts = {
    store: base.store,
    control: null,
    metrics: createEdgeMetrics(),
    clock: systemClock(),
    logger: silentLogger,
  };
  const tailnet = composeTailnet(config, parts);
  if (tailnet === null) throw new Error("no tailnet");
  const added: PodId[] = [];
  const sessions = {
    add: ({ id }: { id: PodId }) => void added.push(id),
    remove: () => Promise.resolve(true),
    nudge() {},
  };
  const stop = new AbortController();
  const running = tailnet.run(sessions, stop.signal);
  await until(() => added.length === 1);
  return {
    ...{ tailnet, daemon, metrics: parts.metrics, running, stop, answers, pod: added[0] as PodId },
    transport: tailnet.beside({ fetch: () => Promise.reject(new Error("not this way")) }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      tailnet.close();
      agent.closeAllConnections();
      await new Promise((resolve) => agent.close(resolve));
      await daemon[Symbol.asyncDispose]();
      await base[Symbol.asyncDispose]();
    },
  };
}

describe("composeTailnet()", () => {
  it("lets a call to a pod end that is under way when the edge stops, and cuts what is left at the end", async () => {
    await using side = await setUp();
    const [first, second] = [side.transport.fetch(side.pod, "/a"), side.transport.fetch(side.pod, "/b")];
    await until(() => side.answers.size === 2);
    side.answers.get("/b")?.write("some");
    side.stop.abort();
    await side.running;
    side.answers.get("/a")?.end("done");
    expect(await (await first).text()).toBe("done");
    const rest = (await second).text();
    side.tailnet.close();
    await expect(rest).rejects.toMatchObject({ code: "agent_unreachable" });
  });

  it("reads path and latency of the pods that are there now, and of no other", async () => {
    await using side = await setUp();
    side.daemon.onPing = () => ({ LatencySeconds: 0.002, Endpoint: "10.0.0.2:41641" });
    const direct = () => {
      side.tailnet.readGauges();
      return parsePrometheus(side.metrics.text()).get("comfyfleet_tailnet_pod_direct")?.samples ?? new Map();
    };
    void side.transport.fetch(side.pod, "/a").catch(() => {});
    await until(() => direct().get(`comfyfleet_tailnet_pod_direct{pod="${side.pod}"}`) === 1);
    side.daemon.send({ PeersRemoved: [2] });
    await until(() => direct().size === 0);
  });
});
