/** `comfyfleet pods logs`: the last lines of a pod's ComfyUI, and those that come. */
import type { LogEvent, LogLine } from "../../client/mod.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printable } from "../output/printable.ts";
import type { Terminal } from "../output/renderer.ts";
import { targetPod } from "../pod/target.ts";
import type { PodsFlags } from "./pods.ts";

export interface LogsFlags extends PodsFlags {
  lines: number;
  follow?: boolean;
}

const ERASE_LINE = "\r\x1b[2K";

function gapText({ missed }: Extract<LogEvent, { type: "gap" }>): string {
  return missed === null ? "(the agent was started anew: lines of before are gone)" : `(${missed} lines missed)`;
}

/** Lines on a terminal, where a progress bar is drawn over; elsewhere only what stays. */
function linePrinter(stdout: Terminal["stdout"]) {
  let drawn = false;
  return ({ text, transient }: Pick<LogLine, "text" | "transient">): void => {
    if (transient && !stdout.isTTY) return;
    if (drawn) stdout.write(ERASE_LINE);
    stdout.write(transient ? printable(text) : `${printable(text)}\n`);
    drawn = transient;
  };
}

export async function podLogs(context: CliContext, wanted: string | undefined, flags: LogsFlags): Promise<number> {
  const { render, terminal, interrupted } = context;
  const pod = await targetPod(context, wanted, flags);
  if (!flags.follow) {
    const asked = pod.call((trpc) => trpc.comfy.logs.query({ lines: flags.lines }));
    const page = await orAborted(asked, interrupted);
    const text = page.lines.map((line) => printable(line.text)).join("\n");
    render.result({ ...pod.named, ...page }, text || "ComfyUI has said nothing yet.");
    return EXIT.ok;
  }
  const print = linePrinter(terminal.stdout);
  try {
    for await (const event of pod.logs({ lines: flags.lines, signal: interrupted })) {
      if (render.json) render.event(event, null);
      else if (event.type === "line") print(event.line);
      else render.say(gapText(event));
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  }
  if (render.json) render.result({ ...pod.named, state: "detached" }, "");
  return EXIT.interrupted;
}
