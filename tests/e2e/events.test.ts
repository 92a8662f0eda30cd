/** `events.watch` through real processes: over a kill of the edge, its stop, and the end of a key. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet, type LifecycleEvent, type WatchedEvent } from "../../client/mod.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { readStoredJob } from "../support/fleet/store.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

/** Reads until it is stopped or fails; what it saw so far is at hand. */
function follow(events: AsyncIterable<WatchedEvent>) {
  const seen: WatchedEvent[] = [];
  const ended = (async () => {
    for await (const event of events) seen.push(event);
  })().then(() => null, (error: unknown) => error);
  return {
    seen,
    ended,
    statuses: (): LifecycleEvent[] => seen.filter((event) => event.type === "status"),
    isReady: () => until("the watcher to be ready", () => seen.length > 0 || null),
    sawEndOf: (jobId: string) =>
      until(
        `the end of ${jobId}`,
        () => seen.some((event) => event.type === "status" && event.jobId === jobId && isTerminal(event.state)) || null,
      ),
  };
}

describe.each(EDGE_RUNTIMES)("events.watch on an edge on %s", (runtime) => {
  it("misses nothing and repeats nothing over kill -9 of the edge, whoever watches and from where", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });
    const stop = new AbortController();
    const own = follow(fleet.client.events({ signal: stop.signal }));
    const all = follow(fleet.client.events({ signal: stop.signal, allTenants: true }));
    await Promise.all([own.isReady(), all.isReady()]);
    const jobIds = [(await fleet.client.run(quick())).job.id];
    const running = fleet.client.run(slow(60));
    const queued = fleet.client.run(quick());
    jobIds.push((await running.submitted).id, (await queued.submitted).id);
    await until("the slow job to run", async () => (await running.get()).state === "running" || null);
    await fleet.edge.kill();
    fleet.edge.start();
    await Promise.all([running, queued]);
    jobIds.push((await fleet.client.run(quick())).job.id);
    for (const watcher of [own, all]) for (const id of jobIds) await watcher.sawEndOf(id);
    // A program that starts now goes on from where an earlier one was.
    const middle = own.seen[3];
    const later = follow(fleet.client.events({ signal: stop.signal, after: middle?.id ?? "" }));
    await later.sawEndOf(jobIds.at(-1) ?? "");
    stop.abort();
    await Promise.all([own.ended, all.ended, later.ended]);
    await fleet.edge.terminate();

    expect(own.seen.map(({ type }) => type)).toEqual(["ready", ...own.statuses().map(() => "status")]);
    for (const id of jobIds) {
      const stored = readStoredJob(fleet.dataDir, id).events.map(({ ver, state }) => ({ ver, state }));
      const told = own.statuses().filter(({ jobId }) => jobId === id).map(({ ver, state }) => ({ ver, state }));
      expect(told, id).toEqual(stored);
      expect(stored.length).toBeGreaterThanOrEqual(3);
    }
    expect(new Set(own.statuses().map(({ jobId }) => jobId))).toEqual(new Set(jobIds));
    expect(all.seen).toEqual(own.seen);
    expect(later.seen).toEqual(own.seen.slice(4));
  });

  describe("with several tenants", () => {
    let fleet: TestFleet;
    beforeAll(async () => {
      fleet = await startTestFleet({ runtime });
    });
    afterAll(() => fleet[Symbol.asyncDispose]());

    /** A client of a new tenant, with the five scopes. */
    async function tenant(name: string) {
      const { id } = await fleet.client.trpc.tenants.create.mutate({ name });
      const created = await fleet.client.trpc.keys.create.mutate({ tenantId: id });
      return { id, keyId: created.id, client: createFleet({ baseUrl: fleet.baseUrl, apiKey: created.key }) };
    }

    it("shows each its own, and all of them to an administrator alone", async () => {
      const [one, two] = [await tenant("one"), await tenant("two")];
      const stop = new AbortController();
      const { signal } = stop;
      const watchers = [one.client.events({ signal }), two.client.events({ signal })].map(follow);
      const admin = follow(fleet.client.events({ allTenants: true, signal }));
      await Promise.all([...watchers, admin].map((watcher) => watcher.isReady()));
      const { job: first } = await one.client.run(quick());
      const { job: second } = await two.client.run(quick());
      await Promise.all([watchers[0]?.sawEndOf(first.id), watchers[1]?.sawEndOf(second.id)]);
      await Promise.all([first, second].map(({ id }) => admin.sawEndOf(id)));
      const told = [...watchers, admin].map((each) => new Set(each.statuses().map(({ jobId }) => jobId)));
      expect(told).toEqual([new Set([first.id]), new Set([second.id]), new Set([first.id, second.id])]);
      expect(admin.statuses().find(({ jobId }) => jobId === second.id)?.tenantId).toBe(two.id);
      stop.abort();
      const refused = follow(one.client.events({ allTenants: true }));
      expect(await refused.ended).toMatchObject({ code: "forbidden" });
    });

    it("ends with a typed error within five seconds of the key's revocation", async () => {
      const { client, keyId } = await tenant("revoked");
      const watcher = follow(client.events());
      await watcher.isReady();
      const revokedMs = performance.now();
      await fleet.client.trpc.keys.revoke.mutate({ keyId });
      expect(await watcher.ended).toMatchObject({ code: "unauthorized" });
      expect(performance.now() - revokedMs).toBeLessThan(5_000);
    });

    it("lets an edge stop within two seconds, and goes on with the next", async () => {
      const stop = new AbortController();
      const watchers = Array.from({ length: 8 }, () => follow(fleet.client.events({ signal: stop.signal })));
      await Promise.all(watchers.map((watcher) => watcher.isReady()));
      const { code, tookMs } = await fleet.edge.terminate();
      expect(code).toBe(0);
      expect(tookMs).toBeLessThan(2_000);
      fleet.edge.start();
      const { job } = await fleet.client.run(quick());
      for (const watcher of watchers) await watcher.sawEndOf(job.id);
      expect(watchers.every((watcher) => watcher.seen.filter(({ type }) => type === "ready").length === 1)).toBe(true);
      stop.abort();
    });

    it("system.info tells any tenant of the edge, and no secret, address or name", async () => {
      const { client } = await tenant("curious");
      const info = await client.system();
      expect(info).toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        protocol: { min: 1, max: 2 },
        runtime: { name: runtime, version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
        schemaVersion: expect.any(Number),
        limits: { maxPageItems: 100 },
        fleet: { pods: 1, podsByPhase: { ready: 1 }, slotsTotal: 1 },
      });
      const text = JSON.stringify(info);
      for (const secret of [fleet.apiKey, fleet.agentSecret, fleet.dataDir, "local", "127.0.0.1"]) {
        expect(text).not.toContain(secret);
      }
      const nobody = createFleet({ baseUrl: fleet.baseUrl, apiKey: `${fleet.apiKey.slice(0, -1)}x` });
      await expect(nobody.system()).rejects.toMatchObject({ code: "unauthorized" });
    });

    it("assets.list pages through a tenant's assets, uploaded and rendered, and no other's", async () => {
      const { client } = await tenant("collector");
      const made: string[] = [];
      for (let count = 0; count < 3; count++) {
        made.push((await client.run(quick())).outputs[0]?.assetId ?? "");
      }
      const listed: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof client.assets.list>> = await client.assets.list({ limit: 2, cursor });
        expect(page.items.length).toBeLessThanOrEqual(2);
        listed.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(listed).toEqual(made.toReversed());
    });
  });
});
