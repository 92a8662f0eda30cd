/** What ends a generation while nobody asked for it: its exit, its log, its silence. */
import { isStalled, probeLiveness } from "../http/introspection.ts";
import type { LogLine } from "../log/log-lines.ts";
import type { LogRing } from "../log/log-ring.ts";
import { scanLogLine } from "../log/log-scan.ts";
import { waitForExit } from "../process/process-group.ts";
import type { EndCause } from "../end-cause.ts";
import type { Ending } from "./ending.ts";
import type { RunningGeneration } from "./launch.ts";
import type { SupervisedContext } from "./options.ts";

const WORKER_DIED: EndCause = {
  reason: "WorkerDied",
  message: "ComfyUI's worker thread died: it would accept jobs and run none.",
};

/** What the log of one generation has said so far. */
export interface LogFindings {
  /** Why it is about to exit, when it said so. */
  exitReason: "PortInUse" | "FatalPythonError" | "GpuFault" | null;
  /** Custom nodes that could not be loaded, as the log names them. */
  failedImports: string[];
}

/** Reads lines of the log for what they mean; may end the generation. */
export function createLogReader(
  context: SupervisedContext,
  ending: Ending,
  ring: LogRing,
): { findings: LogFindings; read: (line: LogLine, said: string) => void } {
  const findings: LogFindings = { exitReason: null, failedImports: [] };
  const { clock, timings } = context;
  /** `said` is the text before keys were taken out of it: one that is a word of ComfyUI's must not hide what it tells. */
  const read = (line: LogLine, said: string) => {
    ring.add(line);
    const finding = line.isRest ? null : scanLogLine(said);
    switch (finding) {
      case "WorkerDied":
        ending.because(WORKER_DIED);
        break;
      case "GpuFault":
        findings.exitReason = finding;
        void clock.sleep(timings.gpuFaultGraceMs, ending.signal).then(() =>
          ending.because({ reason: finding, message: `The GPU failed, and every later job with it: ${line.text}` })
        );
        break;
      case "PortInUse":
      case "FatalPythonError":
        findings.exitReason = finding;
        break;
      case "ImportFailed":
        findings.failedImports.push(line.text.replace(/^.*\(IMPORT FAILED\):?\s*/, ""));
        break;
      case null:
        break;
    }
  };
  return { findings, read };
}

/** Lines of the log that go into a message. */
const LAST_LINES = 5;

/**
 * Waits for the process to end and says so.
 * @param drainLog reads the last words before they are quoted
 */
export async function watchExit(
  context: SupervisedContext,
  running: RunningGeneration,
  options: { ending: Ending; drainLog: () => Promise<void>; findings: LogFindings; ring: LogRing },
): Promise<void> {
  const { ending, findings, ring } = options;
  const { processTable: table, clock, timings } = context;
  const waiting = { table, clock, pollMs: timings.processPollMs };
  // An adopted process is not our child: its end is seen only by looking.
  const words = running.exited === null
    ? await waitForExit(running.identity, waiting, ending.signal).then(() => "it is gone")
    : await Promise.race([running.exited, ending.reached.then(() => "")]);
  if (ending.cause !== null) return;
  await options.drainLog();
  const last = ring.last(LAST_LINES);
  const hint = words.endsWith("SIGKILL") ? " Nobody here did that: the machine may be out of memory." : "";
  const quote = last.length === 0 ? "" : ` Its last words:\n${last.join("\n")}`;
  const reason = findings.exitReason ?? "Crashed";
  ending.because({ reason, message: `ComfyUI ended by itself: ${words}.${hint}${quote}` });
}

/**
 * Probes until the end. One answer within the tolerance is enough: a busy node may hold Python's lock for long.
 * Prompts that wait while none runs mean that the worker thread is dead, also when its death left no line in the log.
 */
export async function watchLiveness(
  context: SupervisedContext,
  baseUrl: string,
  ending: Ending,
): Promise<void> {
  const { clock, fetch, timings } = context;
  const timeoutMs = Math.min(timings.requestTimeoutMs, timings.unresponsiveAfterMs);
  const target = { fetch, baseUrl, timeoutMs };
  let lastAnswerMs = clock.now();
  let stalledSinceMs: number | null = null;
  while (!ending.signal.aborted) {
    await clock.sleep(timings.livenessEveryMs, ending.signal);
    if (ending.signal.aborted) return;
    try {
      const waiting = await probeLiveness(target, ending.signal);
      lastAnswerMs = clock.now();
      const stalled = waiting > 0 && await isStalled(target, ending.signal) === true;
      stalledSinceMs = stalled ? stalledSinceMs ?? lastAnswerMs : null;
      if (stalledSinceMs !== null && clock.now() - stalledSinceMs >= timings.workerStallMs) ending.because(WORKER_DIED);
    } catch {
      const silentMs = clock.now() - lastAnswerMs;
      if (silentMs >= timings.unresponsiveAfterMs) ending.because(unresponsive(silentMs));
    }
  }
}

function unresponsive(silentMs: number): EndCause {
  return {
    reason: "Unresponsive",
    message: `ComfyUI's process is there but did not answer for ${Math.round(silentMs / 1_000)} s.`,
  };
}
