/** People on the tailnet: past the edge straight to a pod, and onto a development pod's own page, where the policy says so. */
import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPodClient } from "../../client/mod.ts";
import { AGENT_PORT } from "../../contracts/tailnet/words.ts";
import { envelopeOf, runCli } from "../support/fleet/cli.ts";
import { listenerPid } from "../support/fleet/listener-pid.ts";
import { until } from "../support/fleet/until.ts";
import { type Daemon, soon } from "../support/tailnet/daemon.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { ask, through } from "../support/tailnet/http-over.ts";
import { POD_PORTS, startPod, type TailnetPod } from "../support/tailnet/pod.ts";
import { reach, warmUp } from "../support/tailnet/reach.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

const JUPYTER_PORT = 8888;

/** The shipped policy as an operator changes it: two people are named, and the grant for development pods is on. */
const POLICY = shippedPolicy()
  .replace('"group:fleet-observers": []', '"group:fleet-observers": ["ana@"]')
  .replace('"group:fleet-operators": []', '"group:fleet-operators": ["ben@"]')
  .replace('// { "src": ["ana@"]', '{ "src": ["ana@"]');

let tailnet: TestTailnet;
let pod: TailnetPod;
let dev: Daemon;
const people = new Map<string, Daemon>();
const person = (name: string): Daemon => people.get(name) ?? expect.unreachable(`no ${name}`);
let host: string;

function clientOf(name: string) {
  const { api } = person(name);
  return createPodClient({ host, dial: (to, signal) => api.dial(to, signal) });
}

beforeAll(async () => {
  tailnet = await startTailnet();
  for (const user of ["ana", "ben", "eve"]) await tailnet.headscale.addUser(user);
  await tailnet.addDaemon("edge", { tags: ["tag:edge"] });
  pod = await startPod(tailnet, { name: "gpu-1" });
  dev = await tailnet.addDaemon("dev-1", { tags: ["tag:dev-pod"] });
  for (const user of ["ana", "ben", "eve"]) {
    people.set(user, await tailnet.addDaemon(`${user}-laptop`, { user, ephemeral: false }));
  }
  await until(
    "the pod to be on the tailnet",
    async () => (await tailnet.headscale.nodes()).find(({ name }) => name === pod.name) ?? null,
  );
  expect(await tailnet.headscale.setPolicy(POLICY)).toEqual({ taken: true });
  host = await until("the pod to be seen", async () => {
    const { Peer } = await person("ana").api.status({ peers: true }, soon());
    return Peer.find(({ HostName }) => HostName === pod.name)?.TailscaleIPs[0] ?? null;
  });
  for (const name of ["ana", "ben"]) await warmUp(person(name), { ip: host });
  await until("ComfyUI", async () => {
    const status = await clientOf("ana").trpc.comfy.status.query().catch(() => null);
    return status?.state === "ready" || null;
  });
});
afterAll(async () => {
  await pod?.[Symbol.asyncDispose]();
  await tailnet?.[Symbol.asyncDispose]();
});

describe("createPodClient over the tailnet", () => {
  it("reads with observe, and may not change anything", async () => {
    const ana = clientOf("ana");
    await expect(ana.call((trpc) => trpc.pod.describe.query())).resolves.toMatchObject({ podId: null });
    await expect(ana.call((trpc) => trpc.comfy.free.mutate())).rejects.toMatchObject({ code: "forbidden" });
    await expect(ana.call((trpc) => trpc.comfy.logs.query({ lines: 5 }))).rejects.toMatchObject({ code: "forbidden" });
  });

  it("changes with operate, and is still no edge", async () => {
    const ben = clientOf("ben");
    await expect(ben.call((trpc) => trpc.comfy.free.mutate())).resolves.toBeDefined();
    const { lines } = await ben.call((trpc) => trpc.comfy.logs.query({ lines: 5 }));
    expect(lines.length).toBeGreaterThan(0);
    for await (const event of ben.logs({ lines: 1 })) {
      expect(event.type).toBe("line");
      break;
    }
  });

  it("is not even shown the pod where the policy names somebody else", async () => {
    expect((await person("eve").api.status({ peers: true }, soon())).Peer).toEqual([]);
    expect(await reach(person("eve"), host, 8189)).toBe("no peer");
  });
});

describe("comfyfleet --pod HOST", () => {
  const cli = (name: string, ...args: string[]) =>
    runCli(["--pod", pod.name, ...args, "--json"], {
      cwd: tailnet.dir,
      env: { TS_SOCKET: person(name).socketPath },
    });

  it("finds the pod by its name through a tailscaled in userspace mode, and shows it", async () => {
    const result = await cli("ana", "pods", "get");
    expect(envelopeOf(result), result.stdout).toMatchObject({ ok: true });
  });

  it("restarts its ComfyUI for whom the policy lets, and for nobody else", async () => {
    expect(envelopeOf(await cli("ana", "pods", "restart"))).toMatchObject({ ok: false, error: { code: "forbidden" } });
    expect(envelopeOf(await cli("ben", "pods", "restart"))).toMatchObject({ ok: true });
  });

  it("does not know a pod that this machine is not shown", async () => {
    expect(envelopeOf(await cli("eve", "pods", "get"))).toMatchObject({ ok: false, error: { code: "not_found" } });
  });
});

describe("a development pod", () => {
  it("shows its Jupyter to the person who is named, and to no other; pods for tenants show theirs to nobody", async () => {
    const jupyter = createServer((_, response) => response.end("notebook")).listen(JUPYTER_PORT, "127.0.0.1");
    await once(jupyter, "listening");
    try {
      await warmUp(person("ana"), dev);
      const answer = await ask(through(person("ana"), dev, JUPYTER_PORT), { path: "/" });
      expect(answer).toMatchObject({ status: 200, body: "notebook" });
      expect(await reach(person("ana"), host, JUPYTER_PORT)).toBe("dropped");
      await warmUp(person("ben"), dev);
      expect(await reach(person("ben"), dev.ip, JUPYTER_PORT)).toBe("dropped");
    } finally {
      jupyter.closeAllConnections();
      jupyter.close();
    }
  });

  it(
    "shows its ComfyUI to the person who is named, and to no other; pods for tenants show theirs to nobody",
    async () => {
      const [ana, ben] = [person("ana"), person("ben")];
      await until("ComfyUI of the pod for tenants", () => listenerPid(POD_PORTS.comfy));
      expect(await reach(ana, host, POD_PORTS.comfy)).toBe("dropped");
      // Both agents want the same ports of this machine.
      await pod.killAll();
      await using lab = await startPod(tailnet, { name: "lab-1", tags: ["tag:dev-pod"] });
      const at = await until("the pod to be seen", async () => {
        const { Peer } = await ana.api.status({ peers: true }, soon());
        const ip = Peer.find(({ HostName }) => HostName === lab.name)?.TailscaleIPs[0];
        return ip === undefined ? null : { ip };
      });
      for (const one of [ana, ben]) await warmUp(one, at);
      const comfy = through(ana, at, POD_PORTS.comfy);
      const stats = await until(
        "ComfyUI to answer",
        () => ask(comfy, { path: "/system_stats" }).catch(() => null),
        30_000,
      );
      expect(stats.status).toBe(200);
      expect(JSON.parse(stats.body)).toMatchObject({ system: { comfyui_version: expect.any(String) } });
      const page = await ask(comfy, { path: "/" });
      expect(page).toMatchObject({ status: 200, headers: { "content-type": expect.stringContaining("text/html") } });
      expect(page.body).toContain("<title>ComfyUI of ");
      // Its agent's port leads to both of them, so that it is this port that is closed to the other.
      expect(await reach(ben, at.ip, AGENT_PORT)).toBe("open");
      expect(await reach(ben, at.ip, POD_PORTS.comfy)).toBe("dropped");
      // A daemon with the tag of pods for tenants, before the same ComfyUI.
      const tenants = await tailnet.addDaemon("gpu-2");
      await warmUp(ana, tenants);
      expect(await reach(ana, tenants.ip, POD_PORTS.comfy)).toBe("dropped");
    },
    90_000,
  );
});
