import { describe, expect, it } from "vitest";
import { Enrolment } from "../../../../contracts/edge/enrolment.ts";
import { createEnrollment } from "../../../../proxy/enrollment/enrollment.ts";
import { newAttemptId, newBootId, newEdgeId, newPodId, sampleObservation, sha256 } from "../store/samples.ts";
import { joined, setUp } from "./enrollment-fixture.ts";
import { device } from "./fake-control.ts";

const signal = new AbortController().signal;

describe("pods.enroll", () => {
  it("mints a key a pod, and awaits pods by names that say which they are", async () => {
    await using side = await setUp();
    const enrolled = Enrolment.parse(await side.enroll(3));
    expect(enrolled).toMatchObject({ controlUrl: "https://control.example.com", tag: "tag:pod" });
    expect(new Set(enrolled.pods.map(({ key }) => key)).size).toBe(3);
    const rows = await side.db.store.listActivePods();
    expect(rows.map(({ id }) => id).toSorted()).toEqual(enrolled.pods.map(({ podId }) => podId).toSorted());
    for (const { podId, name } of enrolled.pods) {
      expect(name).toBe(podId.replace("_", "-"));
      expect(rows.find(({ id }) => id === podId)).toMatchObject({
        conditions: [{ type: "Reachable", status: "unknown", reason: "Awaited" }],

        name,
        phase: "joining",
        transportKey: `enrolled:${podId}`,
      });
    }
    expect(side.control.minted[0]).toEqual({
      tag: "tag:pod",
      ttlMs: 900_000,
      description: expect.stringMatching(/^comfyfleet pod-\w{26}$/),
    });
    expect(side.told()).toBe(1);
  });

  it("gives pods for development their own tag", async () => {
    await using side = await setUp();
    expect(await side.enroll(1, true)).toMatchObject({ tag: "tag:dev-pod" });
    expect((await side.db.store.listActivePods())[0]).toMatchObject({ dev: true });
    expect(side.control.minted[0]?.tag).toBe("tag:dev-pod");
  });

  it("leaves nothing behind when one key cannot be had, or the caller is gone", async () => {
    await using side = await setUp();
    side.control.failAfter = 6;
    await expect(side.enroll(9)).rejects.toMatchObject({ code: "tailnet_unavailable" });
    expect(side.control.minted).toHaveLength(6);
    expect(side.control.live.size).toBe(0);
    side.control.failAfter = Infinity;
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(side.enrollment.acts.enroll({ count: 1, ttlMs: 60_000, dev: false }, gone)).rejects.toThrow("gone");
    expect(side.control.live.size).toBe(0);
    expect(await side.db.store.listActivePods()).toEqual([]);
  });

  it("puts no key into the log or the database", async () => {
    await using side = await setUp();
    await side.enroll(2);
    const { id } = (await side.db.store.listActivePods())[0] ?? { id: newPodId() };
    await side.remove(id);
    const stored = await side.db.driver.read(function* () {
      return [...(yield { kind: "sql", sql: "select * from pod", params: [], lock: false })];
    });
    expect(stored).toHaveLength(2);
    expect(side.lines.length).toBeGreaterThan(2);
    expect(JSON.stringify(stored) + side.lines.join()).not.toContain("hskey");
  });

  it("says what to set where there is no control server's API", async () => {
    await using side = await setUp({ withControl: false });
    await expect(side.enroll()).rejects.toMatchObject({
      code: "conflict",
      hint: expect.stringContaining("HEADSCALE_URL"),
    });
  });
});

describe("pods.enroll of an edge on no tailnet", () => {
  it("mints nothing, because the edge would not meet the pods", async () => {
    await using side = await setUp();
    const alone = createEnrollment({ ...side.options, isOnTailnet: false });
    const asked = alone.acts.enroll({ count: 1, ttlMs: 60_000, dev: false }, signal);
    await expect(asked).rejects.toMatchObject({ code: "conflict", hint: expect.stringContaining("TS_SOCKET") });
    expect(side.control.minted).toEqual([]);
  });
});

describe("pods.remove", () => {
  it("revokes the key of a pod that nobody joined as, so that nobody does", async () => {
    await using side = await setUp();
    const { pods: [pod] } = await side.enroll();
    const podId = pod?.podId ?? newPodId();
    expect(await side.remove(podId)).toEqual({ podId, name: pod?.name, device: "none", key: "revoked", attempts: 0 });
    expect(side.control.live.size).toBe(0);
    expect(await side.db.store.getPod(podId)).toMatchObject({ phase: "gone", transportKey: `removed:${podId}` });
    expect((await side.db.store.listPods({ limit: 10 })).items).toEqual([]);
    await expect(side.remove(podId)).rejects.toMatchObject({ code: "not_found" });
  });

  it("deletes the device of one that joined before any edge saw it, by its key or its name", async () => {
    await using side = await setUp();
    const { pods } = await side.enroll(2);
    side.control.devices.push(
      device({ id: "7", hostname: "renamed", joinedWith: { keyId: "1" } }),
      device({ id: "8", hostname: pods[1]?.name ?? "" }),
      device({ id: "9", hostname: pods[1]?.name ?? "", tags: ["tag:other"] }),
    );
    for (const { podId } of pods) expect(await side.remove(podId)).toMatchObject({ device: "deleted" });
    expect(side.control.devices.map(({ id }) => id)).toEqual(["9"]);
  });

  it("deletes no device of another pod or key that calls itself like an awaited one", async () => {
    await using side = await setUp();
    const { pods: [pod] } = await side.enroll();
    const { name = "", podId = newPodId() } = pod ?? {};
    await joined(side, "7");
    const { endsAtMs = 0 } = await side.db.store.getEnrolment(podId) ?? {};
    const ours = { keyId: side.keyOf(pod) };
    side.control.devices.push(
      device({ id: "7", hostname: name }),
      device({ id: "8", hostname: name, joinedWith: { keyId: "55" } }),
      device({ id: "9", hostname: name, joinedWith: "no-key" }),
      // Of another headscale, which has counted as far.
      device({ id: "10", joinedWith: ours, createdAtMs: side.db.time.nowMs - 120_001 }),
      device({ id: "11", joinedWith: ours, createdAtMs: endsAtMs + 120_001 }),
    );
    expect(await side.remove(podId)).toMatchObject({ device: "none", key: "revoked" });
    expect(side.control.devices.map(({ id }) => id)).toEqual(["7", "8", "9", "10", "11"]);
  });

  it("deletes the device of a pod, fences its session off and forgets it", async () => {
    await using side = await setUp();
    const { store } = side.db;
    const { id } = await joined(side, "42");
    side.control.devices.push(device({ id: "42" }));
    const edgeId = newEdgeId();
    const epoch = (await store.takePod({ podId: id, edgeId, leaseMs: 60_000 }))?.epoch ?? 0;
    expect(await side.remove(id)).toMatchObject({ device: "deleted", key: "none" });
    expect(side.control.devices).toEqual([]);
    expect(side.forgotten).toEqual([id]);
    const observed = sampleObservation(null);
    expect(await store.recordBeat({ podId: id, epoch, leaseMs: 60_000, observed })).toBe(false);
    expect(await store.takePod({ podId: id, edgeId, leaseMs: 60_000 })).toBeNull();
  });

  it("refuses one at work unless its attempts may be lost", async () => {
    await using side = await setUp();
    const { store } = side.db;
    const { id: podId } = await joined(side, "42");
    const { id: jobId, ver } = await side.db.submit();
    await store.assignJob({
      ...{ jobId, ver, podId },
      attemptId: newAttemptId(),
      bootId: newBootId(),
      graphSha256: sha256("g"),
    });
    await expect(side.remove(podId)).rejects.toMatchObject({ code: "conflict", details: { attempts: 1 } });
    expect(await side.remove(podId, "lose")).toMatchObject({ attempts: 1 });
    expect(side.forgotten).toEqual([podId]);
    const again = await side.db.submit();
    const order = { jobId: again.id, ver: again.ver, podId, attemptId: newAttemptId(), bootId: newBootId() };
    expect((await store.assignJob({ ...order, graphSha256: sha256("g") })).status).not.toBe("done");
  });

  it("gives it no job while the control server is asked, and again when that fails", async () => {
    await using side = await setUp();
    const { store } = side.db;
    const { id: podId } = await joined(side, "42");
    const { id: jobId, ver } = await side.db.submit();
    const order = { jobId, ver, podId, attemptId: newAttemptId(), bootId: newBootId(), graphSha256: sha256("g") };
    const assigned: string[] = [];
    side.control.deleteDevice = async () => {
      assigned.push((await store.assignJob(order)).status);
      throw new Error("cut");
    };
    await expect(side.remove(podId)).rejects.toThrow("cut");
    expect(assigned).toEqual(["stale"]);
    expect(await store.getPod(podId)).toMatchObject({ phase: "joining", cordonedAtMs: null, cordonReason: "" });
    expect((await store.assignJob(order)).status).toBe("done");
    await store.setCordon({ podId, cordon: "drain", reason: "hot" });
    await expect(side.remove(podId, "lose")).rejects.toThrow("cut");
    expect(await store.getPod(podId)).toMatchObject({ draining: true, cordonReason: "hot" });
  });

  it("refuses a pod of EDGE_PODS, and takes one that stands there no more out of the list", async () => {
    await using side = await setUp({ withControl: false });
    const { id } = await joined(side, "gpu-1", "gpu-1");
    side.statics.add(id);
    await expect(side.remove(id)).rejects.toMatchObject({
      code: "conflict",
      hint: expect.stringContaining("EDGE_PODS"),
    });
    side.statics.clear();
    expect(await side.remove(id)).toMatchObject({ device: "none", key: "none" });
    // The same name in a list again is the same pod, and gets work.
    expect(await joined(side, "gpu-1", "gpu-1")).toMatchObject({ id, phase: "joining", cordonedAtMs: null });
  });

  it("leaves a pod as it is while the control server is away or not known", async () => {
    await using side = await setUp();
    const { id } = await joined(side, "42");
    side.control.down = true;
    await expect(side.remove(id)).rejects.toMatchObject({ code: "tailnet_unavailable" });
    const bare = createEnrollment({ ...side.options, control: null });
    const input = { podId: id, running: "lose", reason: "" } as const;
    await expect(bare.acts.remove(input, signal)).rejects.toMatchObject({ code: "conflict" });
    expect(await side.db.store.getPod(id)).toMatchObject({ phase: "joining" });
    await expect(side.remove(newPodId())).rejects.toMatchObject({ code: "not_found" });
  });
});
