/**
 * The worker: takes one prompt at a time from the queue, for ever. What goes wrong outside a node ends it, and nothing
 * starts it again: the server then accepts prompts that never run, as ComfyUI's does.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { PyError } from "../python.ts";
import { type PromptQueue, queueTuple } from "../queue/prompt-queue.ts";
import type { Environment } from "./environment.ts";
import { Executor } from "./executor.ts";
import { SilentDeath } from "./silent-death.ts";

/** What is counted about runs, for tests that must know whether work was done again. */
export interface WorkerCounts {
  /** Prompt ids in the order in which they started to run. */
  readonly started: readonly string[];
  readonly alive: boolean;
}

/** Runs the prompts of a queue. */
export class Worker {
  readonly #environment: Environment;
  readonly #queue: PromptQueue;
  readonly #executor: Executor;
  readonly #started: string[] = [];
  #alive = false;

  constructor(environment: Environment, queue: PromptQueue) {
    this.#environment = environment;
    this.#queue = queue;
    this.#executor = new Executor(environment);
  }

  /** Works until something outside a node fails. Never rejects. */
  async run(): Promise<void> {
    this.#alive = true;
    try {
      for (;;) await this.#turn();
    } catch (error) {
      if (error instanceof SilentDeath) return;
      const type = error instanceof PyError ? error.type : "RuntimeError";
      const message = error instanceof Error ? error.message : String(error);
      this.#environment.log.raw(
        `Exception in thread Thread-1 (prompt_worker):\nTraceback (most recent call last):\n${type}: ${message}\n`,
      );
    } finally {
      this.#alive = false;
    }
  }

  counts(): WorkerCounts {
    return { started: [...this.#started], alive: this.#alive };
  }

  async #turn(): Promise<void> {
    const taken = await this.#queue.take();
    if (taken !== null) {
      // The moment between leaving the queue and clearing the interrupt flag, in which a cancel is lost.
      await nextTurn();
      const { item, ticket } = taken;
      const startedMs = this.#environment.monotonicMs();
      this.#started.push(item.promptId);
      const outcome = await this.#executor.execute(item);
      // The moment between the success message and the history entry.
      await nextTurn();
      this.#queue.done(ticket, { prompt: queueTuple(item), ...outcome });
      const { focus, hub, log, monotonicMs } = this.#environment;
      if (focus.clientId !== null) hub.send("executing", { node: null, prompt_id: item.promptId }, focus.clientId);
      const seconds = ((monotonicMs() - startedMs) / 1000).toFixed(2);
      log.info(`\u001b[32mPrompt executed in ${seconds} seconds\u001b[0m`);
    }
    const flags = this.#queue.takeFlags();
    if (flags.freeMemory) {
      this.#executor.reset();
      this.#environment.memory.free();
    }
  }
}
