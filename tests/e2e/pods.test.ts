/** What an operator does with a pod, on both runtimes of the edge: watch, cordon, drain, restart, and the audit of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PodId } from "../../contracts/ids.ts";
import { createFleet } from "../../client/mod.ts";
import { reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, type TestFleet, until } from "../support/fleet/fleet.ts";
import { postText } from "../support/fleet/http.ts";
import { startPodFleet } from "../support/fleet/pod-fleet.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

describe.each(EDGE_RUNTIMES)("a pod, through an edge on %s", (runtime) => {
  let fleet: TestFleet;
  let podId: PodId;

  beforeAll(async () => {
    ({ fleet, podId } = await startPodFleet(runtime));
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const podNow = () => fleet.client.trpc.pods.get.query({ podId });

  it("pods.watch gives the pod, then what changes of it", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const change of fleet.client.trpc.pods.watch.subscribe(undefined, { signal: stop.signal })) {
        seen.push(change.type === "pod" ? (change.pod.cordon?.reason ?? "free") : change.type);
      }
    })().catch(() => {});
    await until("the snapshot", () => seen.includes("synced") || null);
    await fleet.client.trpc.pods.cordon.mutate({ podId, reason: "watched" });
    await until("the cordon", () => seen.at(-1) === "watched" || null);
    await fleet.client.trpc.pods.uncordon.mutate({ podId });
    await until("its end", () => seen.at(-1) === "free" || null);
    stop.abort();
    await watching;
  });

  it("drained, it ends its job and takes no other; who waits is told so; a new edge obeys too", async () => {
    const running = fleet.client.run(slow(100));
    await reached(running.watch(), 0.05);
    const drained = await fleet.client.trpc.pods.drain.mutate({ podId, reason: "new driver" });
    expect(drained).toMatchObject({
      phase: "draining",
      cordon: { reason: "new driver", drain: true, attempts: 1 },
    });
    expect(await fleet.client.trpc.pods.drain.mutate({ podId })).toMatchObject({ cordon: drained.cordon });
    const waiting = fleet.client.run(quick());
    await until("the waiting job to say why", async () => {
      const { waiting: why } = await waiting.get();
      return why?.reason === "pods_cordoned" ? why : null;
    });
    expect((await running).job).toMatchObject({ state: "succeeded", attempt: 1 });
    await until("the pod to be empty", async () => ((await podNow()).cordon?.attempts === 0 ? true : null));
    expect(await podNow()).toMatchObject({ phase: "ready", cordon: { drain: true } });

    await fleet.edge.terminate();
    fleet.edge.start();
    await fleet.waitReady();
    expect(await podNow()).toMatchObject({ cordon: { reason: "new driver", drain: true } });
    await until("the new edge to have looked at the job", async () => {
      return (await waiting.get()).waiting?.reason === "pods_cordoned" || null;
    });
    expect(await fleet.client.trpc.pods.uncordon.mutate({ podId })).toMatchObject({ cordon: null });
    expect((await waiting).job.state).toBe("succeeded");
  });

  it("restarted, it refuses to lose a run unless told to; then the job runs again", async () => {
    const job = fleet.client.run(slow(150));
    await reached(job.watch(), 0.05);
    const pod = fleet.client.pod(podId);
    await expect(fleet.client.call(() => pod.comfy.restart.mutate({}))).rejects.toMatchObject({
      code: "conflict",
      hint: expect.stringContaining("Drain"),
    });
    const done = await pod.comfy.restart.mutate({ running: "lose", reason: "leaks memory" });
    expect(done).toMatchObject({ status: "restarting", attempts: [{ fate: "lost" }] });
    expect((await job).job).toMatchObject({ state: "succeeded", losses: 1 });
    expect((await pod.comfy.status.query()).message).toContain("leaks memory");
  });

  it("audit.list has every act, with who did it and what came of it, for administrators", async () => {
    const { key, id } = await fleet.client.trpc.keys.create.mutate({ scopes: ["pods:operate"] });
    const operator = createFleet({ baseUrl: fleet.baseUrl, apiKey: key });
    await operator.pod(podId).comfy.free.mutate();
    await postText(`${fleet.baseUrl}/pods/${podId}/trpc/comfy.restart`, "{not json", key);
    await fleet.client.trpc.keys.revoke.mutate({ keyId: id });
    const { items } = await fleet.client.trpc.audit.list.query({ limit: 100 });
    const acts = items.map(({ action, target, outcome }) => `${action} ${target === podId ? "pod" : ""} ${outcome}`);
    for (
      const act of [
        "pods.drain pod ok",
        "pods.uncordon pod ok",
        "pod:comfy.free pod ok",
        "pod:comfy.restart pod conflict",
        "pod:comfy.restart pod ok",
        "pod:comfy.restart pod invalid_json",
        "keys.create  ok",
        "keys.revoke  ok",
      ]
    ) expect(acts).toContain(act);
    expect(items.filter(({ action }) => action === "pods.drain").map(({ reason }) => reason)).toEqual([
      null,
      "new driver",
    ]);
    expect(items.find(({ action }) => action === "pod:comfy.free")).toMatchObject({ keyId: id });
    const other = await fleet.client.trpc.keys.create.mutate({ scopes: ["pods:operate"] });
    const reader = createFleet({ baseUrl: fleet.baseUrl, apiKey: other.key });
    await expect(reader.call((trpc) => trpc.audit.list.query({}))).rejects.toMatchObject({ code: "forbidden" });
  });
});
