import { describe, expect, it } from "vitest";
import { newPodId } from "../store/samples.ts";
import { A, B, setUp } from "./membership-fixture.ts";
import { nodeOf } from "./scripted-daemon.ts";

const DEV = { id: 4, host: "dev", tags: ["tag:dev-pod"] };

describe("createMembership()", () => {
  it("makes a pod of every node with a pod's tag, by its StableID, and of no other", async () => {
    await using side = await setUp();
    expect(await side.rest()).toEqual(["add gpu-a", "add gpu-b"]);
    const rows = await side.store.listActivePods();
    expect(rows.map(({ name, transportKey, via, dev, phase }) => ({ name, transportKey, via, dev, phase }))).toEqual([
      { name: "gpu-a", transportKey: "n2", via: "tailnet", dev: false, phase: "joining" },
      { name: "gpu-b", transportKey: "n3", via: "tailnet", dev: false, phase: "joining" },
    ]);
    expect(side.members.peerOf(side.podOf("gpu-a"))?.ip).toBe("100.64.0.2");
    expect(side.members.has(newPodId())).toBe(false);
  });

  it.each([
    ["by its id", { PeersRemoved: [2] }],
    ["by a whole list without it", { SelfChange: { ID: 1 }, PeersChanged: [nodeOf(B)] }],
  ])(
    "takes a pod away at once whose node was removed %s, and makes the same one of it when it is back",
    async (_, line) => {
      await using side = await setUp();
      await side.rest();
      const podId = side.podOf("gpu-a");
      side.daemon.say(line);
      expect((await side.rest()).filter((act) => act.endsWith("gpu-a"))).toEqual(["cut gpu-a", "remove gpu-a"]);
      expect(side.members.peerOf(podId)).toBeUndefined();
      expect(side.members.has(podId)).toBe(true);
      expect((await side.store.getPod(podId))?.phase).toBe("gone");
      side.daemon.say({ PeersChanged: [nodeOf(A)] });
      expect(await side.rest()).toEqual(["add gpu-a"]);
      expect((await side.store.getPod(podId))?.phase).toBe("joining");
    },
  );

  it("keeps every pod while the daemon is away, and those that are offline", async () => {
    await using side = await setUp();
    await side.rest();
    side.daemon.down = true;
    side.daemon.cut();
    await side.clock.advance(300_000);
    side.daemon.down = false;
    await side.clock.advance(10_000);
    side.daemon.say({ PeersChanged: [nodeOf({ ...A, online: false })] });
    await side.rest();
    expect(side.members.all()).toHaveLength(2);
    side.daemon.say({ PeersChanged: [nodeOf({ ...A, online: true })] });
    expect(await side.rest()).toEqual(["nudge gpu-a"]);
  });

  it("uses no more what a pod had with a daemon's process that is another now, and looks at it at once", async () => {
    await using side = await setUp();
    await side.rest();
    side.daemon.say({ PeersChanged: [nodeOf(A)] });
    expect(await side.rest()).toEqual(["nudge gpu-a"]);
    side.daemon.say({ PeersChanged: [nodeOf({ ...A, discoKey: "new process" })] });
    expect(await side.rest()).toEqual(["renew gpu-a", "nudge gpu-a"]);
  });

  it("marks those that left while no edge looked, but not before it has the whole picture", async () => {
    const old = newPodId();
    await using side = await setUp({
      async prepare({ store }) {
        await store.registerPod({ id: old, name: "old", transportKey: "n55", via: "tailnet" });
        await store.registerPod({ id: newPodId(), name: "listed", transportKey: "listed" });
      },
    });
    expect(await side.rest()).toEqual(["add gpu-a", "add gpu-b", "remove old"]);
    expect((await side.store.getPod(old))?.phase).toBe("gone");
    expect((await side.store.listActivePods()).map(({ name }) => name)).toContain("listed");
  });

  it("asks again for a pod that another edge still holds", async () => {
    await using side = await setUp();
    await side.rest();
    side.held.byAnother = true;
    side.daemon.say({ PeersRemoved: [2] });
    expect(await side.rest()).toEqual(["cut gpu-a", "remove gpu-a"]);
    side.held.byAnother = false;
    await side.clock.advance(6_000);
    expect(await side.rest()).toEqual(["remove gpu-a"]);
    await side.clock.advance(6_000);
    expect(await side.rest()).toEqual([]);
  });

  it("gives a node the row that was enrolled for its host name, once, and a node of the same name one of its own", async () => {
    const enrolled = newPodId();
    await using side = await setUp({
      async prepare({ store }) {
        const key = { keyId: "k1", endsAtMs: 2_000_000, dev: false, conditions: [] };
        await store.enrollPods([{ id: enrolled, name: "wanted", ...key }]);
      },
    });
    await side.rest();
    const host = enrolled.replace("_", "-");
    side.daemon.say({ PeersChanged: [nodeOf({ id: 20, host })] });
    expect(await side.rest()).toEqual(["add wanted"]);
    expect(await side.store.getPod(enrolled)).toMatchObject({ transportKey: "n20", via: "tailnet" });
    side.daemon.say({ PeersChanged: [nodeOf({ id: 21, host })] });
    expect(await side.rest()).toEqual([`add ${host}`]);
    const rows = await side.store.listActivePods();
    expect(rows.find(({ transportKey }) => transportKey === "n21")?.id).not.toBe(enrolled);
  });

  it.each([
    { keyId: "k1", takes: true, when: "it joined with the key of the row" },
    { keyId: "k2", takes: false, when: "it joined with another key" },
    { keyId: null, takes: true, when: "nobody says with which key it joined" },
  ])("a node with the name of an awaited pod has that row: $takes, when $when", async ({ keyId, takes }) => {
    const enrolled = newPodId();
    const asked: string[] = [];
    await using side = await setUp({
      async prepare({ store }) {
        const key = { keyId: "k1", endsAtMs: 2_000_000, dev: false, conditions: [] };
        await store.enrollPods([{ id: enrolled, name: "wanted", ...key }]);
      },
      joinedWith(stableId) {
        asked.push(stableId);
        return Promise.resolve(keyId);
      },
    });
    await side.rest();
    const host = enrolled.replace("_", "-");
    side.daemon.say({ PeersChanged: [nodeOf({ id: 20, host })] });
    expect(await side.rest()).toEqual([takes ? "add wanted" : `add ${host}`]);
    expect((await side.store.getPod(enrolled))?.transportKey === "n20").toBe(takes);
    // Nodes that claim nothing are not asked about.
    expect(asked).toEqual(["n20"]);
  });

  it("takes what the node's tag says about development, also when it changes", async () => {
    await using side = await setUp();
    await side.rest();
    side.daemon.say({ PeersChanged: [nodeOf(DEV)] });
    await side.rest();
    const podId = side.podOf("dev");
    expect((await side.store.getPod(podId))?.dev).toBe(true);
    side.daemon.say({ PeersChanged: [nodeOf({ ...DEV, tags: ["tag:pod"] })] });
    await side.rest();
    expect((await side.store.getPod(podId))?.dev).toBe(false);
    side.daemon.say({ PeersChanged: [nodeOf({ ...DEV, tags: [] })] });
    expect(await side.rest()).toEqual(["cut dev", "remove dev"]);
  });

  it("refuses a node whose id is the name of a pod in EDGE_PODS", async () => {
    await using side = await setUp();
    await side.rest();
    side.daemon.say({ PeersChanged: [nodeOf({ id: 7, host: "thief" })] });
    expect(await side.rest()).toEqual([]);
    expect(side.members.all()).toHaveLength(2);
  });

  it("lets a node join again that left while it was being taken in", async () => {
    await using side = await setUp();
    await side.rest();
    const { registerPod } = side.store;
    let letGo = () => {};
    const waiting = new Promise<void>((resolve) => (letGo = resolve));
    side.store.registerPod = async (input) => {
      await waiting;
      return await registerPod(input);
    };
    const late = { id: 30, host: "late" };
    side.daemon.say({ PeersChanged: [nodeOf(late)] });
    await side.rest();
    side.daemon.say({ PeersRemoved: [30] });
    await side.rest();
    letGo();
    expect(await side.rest()).toEqual(["remove late"]);
    expect(side.members.all()).toHaveLength(2);
    side.daemon.say({ PeersChanged: [nodeOf(late)] });
    expect(await side.rest()).toEqual(["add late"]);
  });

  it("keeps no node out because another cannot be taken in", async () => {
    await using side = await setUp();
    await side.rest();
    const { registerPod } = side.store;
    side.store.registerPod = (input) =>
      input.transportKey === "n30" ? Promise.reject(new Error("no such text")) : registerPod(input);
    side.daemon.say({ PeersChanged: [nodeOf({ id: 30, host: "odd" }), nodeOf({ id: 31, host: "even" })] });
    expect(await side.rest()).toEqual(["add even"]);
  });

  it.each([["\u001b[2J"], ["x".repeat(64)], ["a\nb"], [newPodId()]])("calls no pod %j", async (host) => {
    await using side = await setUp();
    await side.rest();
    side.daemon.say({ PeersChanged: [nodeOf({ id: 30, host })] });
    expect(await side.rest()).toEqual(["add n30"]);
  });

  it("goes on after the store has failed", async () => {
    await using side = await setUp();
    await side.rest();
    const { registerPod } = side.store;
    side.store.registerPod = () => Promise.reject(new Error("disk full"));
    side.daemon.say({ PeersChanged: [nodeOf({ id: 30, host: "late" })] });
    expect(await side.rest()).toEqual([]);
    side.store.registerPod = registerPod;
    await side.clock.advance(6_000);
    expect(await side.rest()).toEqual(["add late"]);
  });
});
