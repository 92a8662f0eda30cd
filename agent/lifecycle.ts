/** What was started is stopped in reverse, each step with a deadline of its own, all of them even if one fails. */
import type { Logger } from "./telemetry/logger.ts";

interface Step {
  name: string;
  deadlineMs: number;
  stop: () => Promise<void> | void;
}

export class Lifecycle {
  readonly #logger: Logger;
  readonly #steps: Step[] = [];
  #stopped: Promise<void> | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  onStop(name: string, deadlineMs: number, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, deadlineMs, stop });
  }

  /** The same promise every time; never rejects. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stopAll();
  }

  async #stopAll(): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      try {
        await withDeadline(step);
      } catch (error) {
        this.#logger.error("stop failed", { step: step.name, error });
      }
    }
  }
}

async function withDeadline({ name, deadlineMs, stop }: Step): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Cannot stop ${name}: it took over ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([Promise.resolve().then(stop), late]);
  } finally {
    clearTimeout(timer);
  }
}
