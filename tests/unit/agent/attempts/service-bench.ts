// An attempt service on a virtual clock, a ComfyUI that obeys, a journal and folders of its own.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { typeid } from "typeid-js";
import { AttemptService } from "../../../../agent/attempts/attempt-service.ts";
import { PartnerKeys } from "../../../../agent/attempts/partner-keys.ts";
import type { AttemptRecord } from "../../../../agent/attempts/record.ts";
import { InputStore } from "../../../../agent/attempts/input-store.ts";
import { DEFAULT_ATTEMPT_TIMING } from "../../../../agent/attempts/timing.ts";
import { Workspace } from "../../../../agent/attempts/workspace.ts";
import type { PromptLookup } from "../../../../agent/comfy/port.ts";
import type { Journal } from "../../../../agent/journal/port.ts";
import { openSqliteJournal } from "../../../../agent/journal/sqlite-journal.ts";
import { PodIdentity } from "../../../../agent/pod/identity.ts";
import type { AttemptReport, StartAttempt } from "../../../../contracts/attempt.ts";
import { AttemptId, JobId, PodId } from "../../../../contracts/ids.ts";
import type { TraceContext } from "../../../../contracts/telemetry/trace-context.ts";
import { createSilentLogger } from "../../../support/comfy/silent-logger.ts";
import { createVirtualClock } from "../../../support/comfy/virtual-clock.ts";
import { FakeComfyPort } from "../../../support/fake-comfy-port.ts";

export const POD_ID = PodId.parse(typeid("pod").toString());

export const SUCCEEDED: PromptLookup = { status: "succeeded", files: [], texts: [], cachedNodes: [] };

export function newOrder(change: Partial<StartAttempt> = {}): StartAttempt {
  return {
    podId: POD_ID,
    epoch: 1,
    attemptId: AttemptId.parse(typeid("att").toString()),
    jobId: JobId.parse(typeid("job").toString()),
    no: 1,
    workflow: {
      "1": { class_type: "EmptyImage", inputs: { width: 8 } },
      "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "a/picture" } },
    },
    inputs: [],
    after: null,
    runWithinMs: 3_600_000,
    previews: false,
    ...change,
  };
}

export class ServiceBench implements AsyncDisposable {
  readonly clock = createVirtualClock();
  readonly comfy = new FakeComfyPort();
  readonly folder: string;
  inputs: InputStore;
  /** Put between the service and its journal; for faults of the disk. */
  throughJournal: (journal: Journal) => Journal = (journal) => journal;
  /** Attempts that the service said are over. */
  readonly ended: Readonly<AttemptRecord>[] = [];
  /** What the agent could not go on after. */
  readonly fatal: unknown[] = [];
  readonly workspace: Workspace;
  /** Those of the service that runs; a new one has none. */
  partnerKeys = new PartnerKeys();
  service: AttemptService;

  private constructor(folder: string, inputs: InputStore) {
    this.folder = folder;
    this.inputs = inputs;
    this.workspace = new Workspace(join(folder, "attempts"), () => this.comfy.folders);
    this.service = this.#newService();
  }

  static async create(): Promise<ServiceBench> {
    const folder = await mkdtemp(join(tmpdir(), "cf-bench-"));
    for (const name of ["input", "output", "temp"]) await mkdir(join(folder, "comfy", name), { recursive: true });
    await mkdir(join(folder, "attempts"));
    const bench = new ServiceBench(folder, await openInputs(folder));
    bench.comfy.folders = {
      input: join(folder, "comfy/input"),
      output: join(folder, "comfy/output"),
      temp: join(folder, "comfy/temp"),
    };
    bench.comfy.ready();
    return bench;
  }

  /** A new agent on the same journal, as after a kill: the old one hears of nothing any more. */
  restart(before: () => void = () => undefined): void {
    void this.service.stop();
    before();
    this.service = this.#newService();
    this.service.resume();
  }

  async accept(
    change: Partial<StartAttempt> = {},
    trace?: TraceContext,
  ): Promise<AttemptReport & { promptId: string }> {
    const order = newOrder(change);
    const result = await this.service.start(order, trace);
    if (result.status !== "accepted") throw new Error(`Not accepted: ${JSON.stringify(result)}`);
    await this.clock.advance(0);
    const report = await this.service.get(order.attemptId);
    return { ...report, promptId: this.comfy.submitted.at(-1)?.promptId ?? "" };
  }

  /** Real time, for what waits for the disk; the virtual clock stands still. */
  async reportWhen(attemptId: AttemptId, test: (report: AttemptReport) => boolean): Promise<AttemptReport> {
    for (let tries = 0; tries < 400; tries++) {
      const report = await this.service.get(attemptId);
      if (test(report)) return report;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`It never came to that: ${JSON.stringify(await this.service.get(attemptId))}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  #newService(): AttemptService {
    const journal = this.throughJournal(openSqliteJournal(join(this.folder, "journal.db")));
    return new AttemptService({
      comfy: this.comfy,
      journal,
      identity: new PodIdentity(journal),
      inputs: this.inputs,
      workspace: this.workspace,
      partnerKeys: this.partnerKeys = new PartnerKeys(),
      clock: this.clock,
      timing: DEFAULT_ATTEMPT_TIMING,
      outputClasses: () => new Set(["SaveImage"]),
      logger: createSilentLogger(),
      onFatal: (error) => this.fatal.push(error),
      onEnd: (record) => this.ended.push({ ...record }),
    });
  }
}

async function openInputs(folder: string): Promise<InputStore> {
  return await InputStore.open({
    folder: join(folder, "inputs"),
    partFolder: join(folder, "inputs-part"),
    maxInputBytes: 1_000,
    maxStoreBytes: 10_000,
    pinned: () => new Set(),
    now: () => Date.now(),
    logger: createSilentLogger(),
  });
}
