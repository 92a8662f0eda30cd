/**
 * A fleet in miniature around a real store: edges that act on stale views, pods that crash and fall silent, and a network
 * that delays, repeats and loses messages. Everything random comes from one seed, so that a failure can be replayed.
 */
import type { JobId } from "../../../../contracts/ids.ts";
import { isTerminal } from "../../../../contracts/job-state.ts";
import type { AttemptRow } from "../../../../proxy/store/job-store.ts";
import type { NewAttempt, NewJob } from "../../../../proxy/store/new-job.ts";
import { applyReport } from "./protocol-reports.ts";
import { type Edge, type FleetOptions, type Message, type Pod, type Report } from "./protocol-parts.ts";
import { newAttemptId, newBootId, newPodId, sampleJob, sha256 } from "./samples.ts";

const OFFER_GRACE_MS = 300;
const LOST_AFTER_MS = 600;
const MAX_LOSSES = 6;

export class Fleet {
  readonly counts = {
    crashes: 0,
    silences: 0,
    repeats: 0,
    lost: 0,
    losses: 0,
    late: 0,
    stale: 0,
    retries: 0,
    refused: 0,
    recalls: 0,
    unheard: 0,
    together: 0,
  };
  readonly jobs: JobId[] = [];
  readonly #options: FleetOptions;
  readonly #pods: Pod[];
  readonly #edges: Edge[];
  #network: Message[] = [];

  constructor(options: FleetOptions, size: { pods: number; edges: number }) {
    this.#options = options;
    this.#pods = Array.from(
      { length: size.pods },
      () => ({ id: newPodId(), bootId: newBootId(), silentUntilMs: 0, attempts: new Map() }),
    );
    this.#edges = Array.from({ length: size.edges }, () => ({ queue: [], live: [] }));
  }

  async submit(): Promise<void> {
    const { tenantId, random } = this.#options;
    const repeated = random.chance(0.1) ? random.pick(this.jobs) : undefined;
    await this.#add(sampleJob(tenantId, { startWithinMs: random.chance(0.1) ? 200 : null }), repeated);
  }

  /** A final job once more. */
  async retry(): Promise<void> {
    const { store, tenantId, random } = this.#options;
    const retryOf = random.pick(this.jobs);
    const before = retryOf && await store.getJob(retryOf);
    if (!retryOf || !before || !isTerminal(before.state)) return;
    await this.#add(sampleJob(tenantId, { retryOf }));
    this.counts.retries += 1;
  }

  async cancel(): Promise<void> {
    const jobId = this.#options.random.pick(this.jobs);
    if (jobId !== undefined) await this.#options.store.cancelJob({ tenantId: this.#options.tenantId, jobId });
  }

  async expire(): Promise<void> {
    await this.#options.store.expireJobs(3);
  }

  crashPod(): void {
    const pod = this.#pod();
    this.counts.crashes += 1;
    pod.bootId = newBootId();
    pod.attempts.clear();
  }

  silencePod(): void {
    this.counts.silences += 1;
    this.#pod().silentUntilMs = this.#options.time.nowMs + this.#options.random.below(2_000);
  }

  /** Its views are gone with it; what it had sent is still on its way. */
  crashEdge(): void {
    const edge = this.#edge();
    edge.queue = [];
    edge.live = [];
  }

  /** One edge assigns one job, of a queue that it may have read long ago. */
  async plan(): Promise<void> {
    const { store, random } = this.#options;
    const edge = this.#edge();
    if (edge.queue.length === 0 || random.chance(0.3)) edge.queue = await store.listQueue(20);
    const job = random.pick(edge.queue);
    if (job === undefined) return;
    const pod = this.#pod();
    const { id: jobId, ver } = job;
    const assigned = await store.assignJob({ jobId, ver, ...this.#newAttempt(pod) });
    if (assigned.status === "stale") this.counts.stale += 1;
    else this.#order(pod, { jobId, no: assigned.no, state: random.chance(0.4) ? "waiting" : "running" });
  }

  /** One message arrives, in any order. */
  async deliver(): Promise<void> {
    const { random } = this.#options;
    const index = random.below(this.#network.length);
    const [message] = this.#network.splice(index, 1);
    if (message === undefined) return;
    if (random.chance(0.15)) {
      this.counts.repeats += 1;
      this.#network.push(message);
    }
    if (message.to === "edge") await this.#apply(message.report);
    else if (this.#isSilent(message.pod)) this.#network.push(message);
    else if (message.bootId === message.pod.bootId) this.#accept(message.pod, message.start);
  }

  /** Work goes on, whether or not anybody can hear of it. */
  run(): void {
    const { random } = this.#options;
    for (const pod of this.#pods) {
      for (const [key, attempt] of pod.attempts) {
        if (attempt.state === "waiting" && random.chance(0.2)) this.#begin(pod, { key, attempt });
        if (attempt.state !== "running" || !random.chance(0.2)) continue;
        const report: Report = { ...attempt, state: random.chance(0.1) ? "failed" : "succeeded" };
        pod.attempts.set(key, report);
        if (!this.#isSilent(pod)) this.#send({ to: "edge", report });
      }
    }
  }

  /** One edge takes back what waits on a pod, by what it believes. */
  async recall(): Promise<void> {
    const pod = this.#pod();
    const known = this.#options.random.pick([...pod.attempts.values()].filter(({ state }) => state === "waiting"));
    if (known === undefined || this.#isSilent(pod)) return;
    known.state = "withdrawn";
    this.counts.recalls += 1;
    // Its answer, and the report of it in the pod's stream.
    this.#send({ to: "edge", report: { ...known } });
    if (this.#options.random.chance(0.7)) await this.#apply({ ...known });
  }

  /** One edge asks one pod what it does, and compares that with what it believes. */
  async beat(): Promise<void> {
    const { store, random, time } = this.#options;
    const edge = this.#edge();
    const pod = this.#pod();
    if (edge.live.length === 0 || random.chance(0.5)) edge.live = await store.listLiveAttempts();
    const live = edge.live.filter((attempt) => attempt.podId === pod.id);
    if (this.#isSilent(pod)) {
      if (pod.silentUntilMs - time.nowMs > LOST_AFTER_MS) await this.#lose(live);
      return;
    }
    const gone = live.filter((attempt) =>
      !pod.attempts.has(`${attempt.jobId} ${attempt.no}`) &&
      (attempt.bootId !== pod.bootId || attempt.offeredAtMs + OFFER_GRACE_MS < time.nowMs)
    );
    for (const attempt of live) this.#cancelOnPod(pod, attempt);
    for (const [key, report] of pod.attempts) {
      await this.#apply(report);
      // The store has taken it, or has no use for it: the pod may forget the attempt.
      if (report.state !== "running" && report.state !== "waiting") pod.attempts.delete(key);
    }
    await this.#lose(gone);
  }

  async isDone(): Promise<boolean> {
    const { store } = this.#options;
    const rows = await Promise.all(this.jobs.map((id) => store.getJob(id)));
    return rows.every((job) => job !== null && isTerminal(job.state));
  }

  async #add(job: NewJob, repeated?: JobId): Promise<void> {
    const idempotency = { space: "trpc" as const, key: repeated ?? job.id };
    const pod = this.#options.random.chance(0.3) ? this.#pod() : null;
    const assignment = pod && this.#newAttempt(pod);
    const outcome = await this.#options.store.submitJob({ ...job, idempotency, assignment });
    const wanted = repeated === undefined ? "created" : "existing";
    if (outcome.status === "key_reused" || outcome.status !== wanted) {
      throw new Error(`submit answered ${outcome.status}, not ${wanted}`);
    }
    if (repeated === undefined) this.jobs.push(job.id);
    else if (outcome.job.id !== repeated) throw new Error("a repeated submit made another job");
    if (repeated !== undefined || pod === null) return;
    this.counts.together += 1;
    if (outcome.job.state !== "assigned") throw new Error(`it was stored as ${outcome.job.state}, not assigned`);
    this.#order(pod, { jobId: job.id, no: 1, state: "running" });
  }

  #newAttempt({ id: podId, bootId }: Pod): NewAttempt {
    return { attemptId: newAttemptId(), podId, bootId, graphSha256: sha256("graph") };
  }
  #order(pod: Pod, start: Report): void {
    this.#send({ to: "pod", pod, bootId: pod.bootId, start });
  }
  #pod(): Pod {
    return this.#options.random.must(this.#pods);
  }
  #edge(): Edge {
    return this.#options.random.must(this.#edges);
  }

  #isSilent(pod: Pod): boolean {
    return pod.silentUntilMs > this.#options.time.nowMs;
  }

  #send(message: Message): void {
    if (this.#options.random.chance(0.1)) this.counts.lost += 1;
    else this.#network.push(message);
  }

  #accept(pod: Pod, start: Report): void {
    const key = `${start.jobId} ${start.no}`;
    if (pod.attempts.has(key)) return;
    pod.attempts.set(key, { ...start });
    if (start.state === "running") this.#send({ to: "edge", report: start });
  }

  /** A short run is heard of by its end alone. */
  #begin(pod: Pod, { key, attempt }: { key: string; attempt: Report }): void {
    const report: Report = { ...attempt, state: "running" };
    pod.attempts.set(key, report);
    if (this.#options.random.chance(0.5)) this.counts.unheard += 1;
    else if (!this.#isSilent(pod)) this.#send({ to: "edge", report });
  }

  #cancelOnPod(pod: Pod, attempt: AttemptRow): void {
    const known = pod.attempts.get(`${attempt.jobId} ${attempt.no}`);
    const goesOn = known?.state === "running" || known?.state === "waiting";
    if (attempt.jobState === "canceling" && goesOn) known.state = "canceled";
  }

  async #lose(attempts: readonly AttemptRow[]): Promise<void> {
    for (const { jobId, no } of attempts) {
      this.counts.losses += 1;
      const loss = { reason: "pod_lost", countLoss: true, retryInMs: 20, maxLosses: MAX_LOSSES };
      await this.#options.store.loseAttempt({ jobId, no, ...loss });
    }
  }

  async #apply(report: Report): Promise<void> {
    const end = await applyReport(this.#options, report, MAX_LOSSES);
    if (end !== "taken") this.counts[end] += 1;
  }
}
