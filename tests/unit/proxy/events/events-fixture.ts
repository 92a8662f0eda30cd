// Watchers of all of a tenant's jobs over a real store in memory, on a clock that the test moves.
import type { EventsPort, Tracked } from "../../../../contracts/edge/ports.ts";
import type { FleetEvent } from "../../../../contracts/fleet-event.ts";
import type { JobId, TenantId } from "../../../../contracts/ids.ts";
import { type Caller, type Scope, TENANT_SCOPES } from "../../../../contracts/tenant.ts";
import { createEvents } from "../../../../proxy/events/watch-events.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import type { EventStore } from "../../../../proxy/store/event-store.ts";
import { jobRow } from "../jobs/job-row.ts";
import { createManualClock, settle } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newTenantId, sampleError, sampleJob } from "../store/samples.ts";

export interface Watched {
  events: Tracked<FleetEvent>[];
  /** `ready`, `missed` or `JOB state`, where JOB is the name that the test gave. */
  told(): string[];
  /** Resolves to what ended the stream: null for an end, or its error. */
  ended: Promise<unknown>;
  isOver(): boolean;
  stop(): void;
}

export interface WatchChoice {
  lastEventId?: string | undefined;
  allTenants?: boolean;
  caller?: Caller;
}

/** @param change of the store that the watchers read */
export async function eventsFixture(change: Partial<EventStore> = {}) {
  const testStore = await memoryStore();
  const { store, tenantId } = testStore;
  const { id: otherId } = await store.createTenant({ id: newTenantId(), name: "others" });
  const clock = createManualClock();
  const signals = createSignals();
  const read: EventStore = {
    lastEventSeq: store.lastEventSeq,
    lastRemovedSeq: store.lastRemovedSeq,
    listFeed: store.listFeed,
    ...change,
  };
  const events: EventsPort = createEvents({ store: read, signals, clock, logger: silentLogger });
  const names = new Map<JobId, string>();

  function callerOf(ofTenant: TenantId, scopes: readonly Scope[] = TENANT_SCOPES): Caller {
    return { keyId: "key_00000000000000000000000001", tenantId: ofTenant, scopes };
  }

  function shown({ data }: Tracked<FleetEvent>): string {
    if (data.type === "ready") return data.missed ? "missed" : "ready";
    return `${names.get(data.jobId) ?? data.jobId} ${data.state}`;
  }

  return {
    store,
    clock,
    signals,
    testStore,
    read,
    events,
    admin: callerOf(tenantId, ["admin"]),
    caller: callerOf(tenantId),
    other: callerOf(otherId),
    /** Without a hint: nobody on this edge knows of it. */
    async submitQuietly(name: string, ofTenant = tenantId): Promise<JobId> {
      const job = sampleJob(ofTenant);
      await store.submitJob(job);
      names.set(job.id, name);
      return job.id;
    },
    async submit(name: string, ofTenant = tenantId): Promise<JobId> {
      const id = await this.submitQuietly(name, ofTenant);
      signals.emit("job", jobRow({ id }));
      return id;
    },
    async run(jobId: JobId): Promise<void> {
      const no = await testStore.start(jobId);
      signals.emit("job", jobRow({ id: jobId, state: "running" }));
      await settle();
      await store.failJob({ jobId, no, error: sampleError, receipt: null });
      signals.emit("job", jobRow({ id: jobId, state: "failed" }));
      await settle();
    },
    watch({ caller = callerOf(tenantId), allTenants = false, lastEventId }: WatchChoice = {}): Watched {
      const stop = new AbortController();
      let over = false;
      const watched: Watched = {
        events: [],
        told: () => watched.events.map(shown),
        ended: take().then(() => null, (error: unknown) => error),
        isOver: () => over,
        stop: () => stop.abort(),
      };
      async function take() {
        await Promise.resolve();
        try {
          for await (const event of events.watch(caller, { allTenants, lastEventId }, stop.signal)) {
            watched.events.push(event);
          }
        } finally {
          over = true;
        }
      }
      return watched;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}
