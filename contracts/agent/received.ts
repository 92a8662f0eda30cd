/**
 * An agent's messages as an edge reads them: an agent that is one version ahead stays a pod. Additions are left out, and
 * one attempt's report that cannot be read is no reason not to read the others.
 */
import { z } from "zod";
import { AttemptEvent, AttemptOutput, AttemptReport } from "../attempt.ts";
import { MAX_ATTEMPTS, MAX_OUTPUTS } from "../bounds.ts";
import { AttemptId } from "../ids.ts";
import { TolerantCapability, TolerantConditions, TolerantJobError, TolerantProgress } from "../tolerant.ts";
import { TolerantVerdict } from "./tolerant-verdict.ts";
import { BeatResult, PodEvent } from "./messages.ts";

/** Bytes that cannot be read are none: the agent is asked for them. */
const ReceivedOutput = AttemptOutput.extend({ dataBase64: AttemptOutput.shape.dataBase64.catch(undefined) });

export const ReceivedReport = AttemptReport.extend({
  outputs: z.array(ReceivedOutput).max(MAX_OUTPUTS),
  progress: TolerantProgress,
  error: TolerantJobError.nullable(),
});

const ReceivedBeat = BeatResult.extend({
  attempts: z.array(z.unknown()).max(MAX_ATTEMPTS),
  conditions: TolerantConditions,
  capability: TolerantCapability,
  verdict: TolerantVerdict,
});

const WithAttempt = z.object({ attemptId: AttemptId });

/** A report that cannot be read, and whose attempt it is where that much can be. */
export interface UnreadableReport {
  attemptId: AttemptId | null;
  error: z.ZodError;
}

/** @throws ZodError when more than single reports or additions is wrong */
export function readBeat(answer: unknown): { result: BeatResult; unreadable: UnreadableReport[] } {
  const { attempts: items, ...rest } = ReceivedBeat.parse(answer);
  const attempts: AttemptReport[] = [];
  const unreadable: UnreadableReport[] = [];
  for (const item of items) {
    const report = ReceivedReport.safeParse(item);
    if (report.success) {
      attempts.push(report.data);
      continue;
    }
    const named = WithAttempt.safeParse(item);
    unreadable.push({ attemptId: named.success ? named.data.attemptId : null, error: report.error });
  }
  return { result: { ...rest, attempts }, unreadable };
}

const [PodChanged, AttemptChanged] = PodEvent.options;
const ReceivedPodEvent = z.discriminatedUnion("type", [
  PodChanged.extend({ conditions: TolerantConditions, capability: TolerantCapability, verdict: TolerantVerdict }),
  AttemptChanged.extend({ report: ReceivedReport }),
]);

const [Reported, ...others] = AttemptEvent.options;
const ReceivedAttemptEvent = z.discriminatedUnion("type", [Reported.extend({ report: ReceivedReport }), ...others]);

/** Null for a kind of event that this version does not know. @throws ZodError */
export function readPodEvent(value: unknown): PodEvent | null {
  return isKnown(value, ReceivedPodEvent) ? ReceivedPodEvent.parse(value) : null;
}

/** Null for a kind of event that this version does not know. @throws ZodError */
export function readAttemptEvent(value: unknown): AttemptEvent | null {
  return isKnown(value, ReceivedAttemptEvent) ? ReceivedAttemptEvent.parse(value) : null;
}

const Typed = z.object({ type: z.string() });

/** Also true of what is no event at all, which the parse then refuses. */
function isKnown(value: unknown, union: typeof ReceivedPodEvent | typeof ReceivedAttemptEvent): boolean {
  const typed = Typed.safeParse(value);
  return !typed.success || union.options.some((option) => option.shape.type.value === typed.data.type);
}
