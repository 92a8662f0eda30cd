/** The progress bar of a running node: time, throttle, messages, previews and interrupts. */
import type { Frame } from "../images/frame.ts";
import { previewOf } from "../images/preview.ts";
import type { ProgressSteps } from "../nodes/node-class.ts";
import { previewFrame, previewFrameWithMetadata, type PreviewImage } from "../socket/frames.ts";
import type { Environment } from "./environment.ts";
import { Pace } from "./pace.ts";
import { ProgressThrottle } from "./progress.ts";
import type { PromptRun } from "./prompt-run.ts";

/** Starts a progress bar of `total` steps for a node. */
export function nodeProgress(
  environment: Environment,
  run: PromptRun,
  node: { nodeId: string; total: number },
): ProgressSteps {
  const { options, monotonicMs } = environment;
  const pace = new Pace(options.stepMs, monotonicMs);
  const throttle = new ProgressThrottle(node.total, monotonicMs);
  let value = 0;
  return {
    async step(frame: Frame) {
      await pace.step(frame.width * frame.height);
      value++;
      const format = run.wantsPreviews ? options.previews : null;
      if (!throttle.admits(value, format !== null)) return;
      const preview = format === null ? null : await previewOf(frame, format);
      environment.interrupt.check();
      report(environment, run, { nodeId: node.nodeId, value, total: node.total, preview });
    },
  };
}

interface Tick {
  readonly nodeId: string;
  readonly value: number;
  readonly total: number;
  readonly preview: PreviewImage | null;
}

/** A client that asked for it gets the preview with its owner, before the tick; others get it bare, after the tick. */
function report({ hub }: Environment, run: PromptRun, tick: Tick): void {
  run.progress.update(tick.nodeId, tick.value, tick.total);
  run.sendProgressState();
  const withMetadata = hub.supports(run.clientId, "supports_preview_metadata");
  if (tick.preview !== null && withMetadata) {
    hub.sendBinary(
      previewFrameWithMetadata(tick.preview, { nodeId: tick.nodeId, promptId: run.promptId }),
      run.clientId,
    );
  }
  run.tellOrBroadcast("progress", { value: tick.value, max: tick.total, prompt_id: run.promptId, node: tick.nodeId });
  if (tick.preview !== null && !withMetadata) hub.sendBinary(previewFrame(tick.preview), run.clientId);
}
