/**
 * A restart that can wait: no new prompt is given to ComfyUI, what runs in it is left to its end, and only an idle one is
 * ended. Before that it may be asked to help itself.
 */
import type { Clock } from "../clock.ts";
import type { EndCause } from "../end-cause.ts";

export interface RecyclerOptions {
  clock: Clock;
  /** Between two looks whether ComfyUI is idle. Two looks in a row must say so: a prompt may be on its way to it. */
  everyMs: number;
  /** Prompts that ComfyUI has; rejects when it does not answer. */
  countPrompts: (signal: AbortSignal) => Promise<number>;
  /** Why it takes no prompts; null when it does again. */
  onChange: (cause: EndCause | null) => void;
  /** Ends ComfyUI. */
  end: (cause: EndCause) => void;
  /** Aborts with ComfyUI's end. */
  signal: AbortSignal;
}

export interface Recycler {
  /** True from a request to its outcome. */
  readonly isBusy: boolean;
  /**
   * Nothing while another request is at work.
   * @param relieve tried once ComfyUI is idle; true: the restart is not needed any more. Never rejects.
   */
  request(cause: EndCause, relieve?: () => Promise<boolean>): Promise<void>;
}

const IDLE_LOOKS = 2;

export function createRecycler(options: RecyclerOptions): Recycler {
  const { clock, signal } = options;
  let isBusy = false;

  async function waitUntilIdle(): Promise<void> {
    for (let idleLooks = 0; idleLooks < IDLE_LOOKS && !signal.aborted;) {
      await clock.sleep(options.everyMs, signal);
      if (signal.aborted) return;
      try {
        idleLooks = await options.countPrompts(signal) === 0 ? idleLooks + 1 : 0;
      } catch {
        // Silence is another watchdog's to judge.
        idleLooks = 0;
      }
    }
  }

  return {
    get isBusy() {
      return isBusy;
    },
    async request(cause, relieve) {
      if (isBusy || signal.aborted) return;
      isBusy = true;
      options.onChange(cause);
      await waitUntilIdle();
      const isRelieved = !signal.aborted && relieve !== undefined && await relieve();
      isBusy = false;
      if (signal.aborted) return;
      if (isRelieved) options.onChange(null);
      else options.end(cause);
    },
  };
}
