/**
 * What a pod says of itself in `tailnet.selfCheck`, as far as it can be read: no pod's words may hide those about others,
 * or make the whole report unreadable. Pure.
 */
import { z } from "zod";
import { Timestamp } from "../../contracts/ids.ts";
import { shorten } from "../../contracts/shorten.ts";
import { TailnetCheck, type TailnetReport } from "../../contracts/tailnet/report.ts";
import { warning } from "../../contracts/tailnet/check-lines.ts";

/** Some for each edge that it tries. */
const MAX_LINES = 80;
const MAX_NAME_CHARS = 100;
const MAX_WORDS_CHARS = 500;

const Answer = z.object({ now: Timestamp, checks: z.array(z.unknown()) });

function readLine(line: unknown): TailnetCheck[] {
  const { data } = TailnetCheck.safeParse(line);
  if (data === undefined) return [];
  const { name, status, message, fix } = data;
  return [{
    name: shorten(name, MAX_NAME_CHARS),
    status,
    message: shorten(message, MAX_WORDS_CHARS),
    fix: fix === null ? null : shorten(fix, MAX_WORDS_CHARS),
  }];
}

/** @throws ZodError for what is no report */
export function readSelfReport(answer: unknown): TailnetReport {
  const { now, checks } = Answer.parse(answer);
  const read = checks.slice(0, MAX_LINES).flatMap(readLine);
  const left = checks.length - read.length;
  if (left === 0) return { now, checks: read };
  const fix = "Run the same version of edge and agent; more than so many lines are no agent's of ours.";
  return { now, checks: [...read, warning("the rest", `${left} lines could not be read, or were too many`, fix)] };
}
