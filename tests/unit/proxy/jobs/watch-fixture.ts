// Watchers of one job: what each was told so far, and the steps of the job's life with their hints.
import type { Tracked } from "../../../../contracts/edge/ports.ts";
import type { JobEvent } from "../../../../contracts/event.ts";
import type { JobId } from "../../../../contracts/ids.ts";
import type { Caller } from "../../../../contracts/tenant.ts";
import type { JobsOptions } from "../../../../proxy/jobs/service.ts";
import { settle } from "./manual-clock.ts";
import { type ScriptedAgents, scriptedAgents } from "./scripted-agents.ts";
import { type JobsFixture, jobsFixture, request } from "./service-fixture.ts";

export interface Watched {
  /** `id type` of each event, with the state or the progress behind it. */
  told: string[];
  events: Tracked<JobEvent>[];
  /** Resolves to what ended the stream: null for an end, or its error. */
  ended: Promise<unknown>;
  isOver(): boolean;
  stop(): void;
}

export interface WatchFixture extends JobsFixture {
  agents: ScriptedAgents;
  jobId: JobId;
  watch(options?: { lastEventId?: string; previews?: boolean; caller?: Caller; jobId?: JobId }): Watched;
  start(): Promise<number>;
  /** The current attempt is lost, the job queued again. */
  lose(no: number): Promise<void>;
  fail(no: number): Promise<void>;
}

function shown({ id, data }: Tracked<JobEvent>): string {
  switch (data.type) {
    case "status":
      return `${id} ${data.state}${data.job ? " with job" : ""}`;
    case "progress":
      return `${id} ${data.attempt}:${data.progress.value}`;
    case "preview":
      return `${id} preview`;
    case "output":
      return `${id} ${data.attempt}:${data.output.name}`;
  }
}

export async function watchFixture(options: Partial<JobsOptions> = {}): Promise<WatchFixture> {
  const agents = scriptedAgents();
  const fixture = await jobsFixture({ agents, ...options });
  const { jobs, caller, testStore: { store, ...testStore }, signals } = fixture;
  const { id: jobId } = await jobs.submit(caller, request());
  const told = async (change: Promise<unknown>) => {
    await change;
    const job = await store.getJob(jobId);
    if (job !== null) signals.emit("job", job);
    await settle();
  };
  return {
    ...fixture,
    agents,
    jobId,
    watch(choice = {}) {
      const stop = new AbortController();
      const input = { previews: false, jobId, ...choice };
      const stream = jobs.watch(choice.caller ?? caller, input, stop.signal);
      const watched: Watched = {
        told: [],
        events: [],
        isOver: () => over,
        stop: () => stop.abort(),
        ended: read().then(() => null, (error: unknown) => error),
      };
      let over = false;
      async function read() {
        await Promise.resolve();
        try {
          for await (const event of stream) {
            watched.events.push(event);
            watched.told.push(shown(event));
          }
        } finally {
          over = true;
        }
      }
      return watched;
    },
    async start() {
      const no = await testStore.start(jobId);
      await told(Promise.resolve());
      return no;
    },
    lose: (no) =>
      told(store.loseAttempt({ jobId, no, reason: "pod_lost", countLoss: true, retryInMs: 0, maxLosses: 20 })),
    fail: (no) =>
      told(store.failJob({ jobId, no, error: { code: "execution_failed", message: "It broke" }, receipt: null })),
  };
}
