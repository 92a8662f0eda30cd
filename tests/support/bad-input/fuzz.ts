/** Sends many requests to a real process and says what was wrong with the answers and with the process afterwards. */
import fc from "fast-check";
import { until } from "../fleet/until.ts";
import { problemWith } from "./judge.ts";
import { openHandles, residentBytes } from "./process-health.ts";
import { createSender, type RawRequest } from "./send.ts";

export interface FuzzOptions {
  baseUrl: string;
  pid: number;
  requests: fc.Arbitrary<RawRequest>;
  count: number;
  /** Of one request. */
  deadlineMs: number;
  /** Of all of them. */
  withinMs: number;
  /** No answer may name it. */
  secretFolder: string;
}

export interface FuzzReport {
  seed: number;
  sent: number;
  /** How many answers had each status. */
  statuses: Record<number, number>;
  /** Each with its request, so that it can be sent again. */
  problems: string[];
  /** Open files and sockets more than before. */
  handlesMore: number;
  residentMoreBytes: number;
}

const AT_ONCE = 12;
/** Sockets that the process itself may open meanwhile, and files of its database. */
const SPARE_HANDLES = 8;

/** `FUZZ_SEED` repeats a run. */
function chooseSeed(): number {
  const given = Number(process.env.FUZZ_SEED ?? "");
  return Number.isSafeInteger(given) && given !== 0 ? given : Math.floor(Math.random() * 2 ** 31);
}

function shown({ method, path, headers, body, chunked }: RawRequest): string {
  const text = body === null ? null : typeof body === "string" ? body : `${body.byteLength} bytes`;
  return JSON.stringify({ method, path, headers, body: text, chunked }).slice(0, 1_500);
}

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { baseUrl, pid, requests, count, secretFolder } = options;
  const seed = chooseSeed();
  console.log(`fuzz: FUZZ_SEED=${seed} repeats these ${count} requests`);
  const todo = fc.sample(requests, { numRuns: count, seed });
  const statuses: Record<number, number> = {};
  const problems: string[] = [];
  // The first requests open what stays open: databases, pools, caches.
  const before = { handles: openHandles(pid), resident: residentBytes(pid) };
  const endMs = performance.now() + options.withinMs;
  let sent = 0;
  {
    using sender = createSender(baseUrl, options.deadlineMs);
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let request = todo.pop(); request && performance.now() < endMs; request = todo.pop()) {
        const answer = await sender.send(request);
        sent += 1;
        if ("status" in answer) statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        const problem = problemWith(request, answer, secretFolder);
        if (problem !== null) problems.push(`${problem}\n  ${shown(request)}`);
      }
    }));
  }
  const handlesMore = await until("handles to be closed", () => {
    const more = openHandles(pid) - before.handles;
    return more <= SPARE_HANDLES ? more : null;
  }, 15_000).catch(() => openHandles(pid) - before.handles);
  return { seed, sent, statuses, problems, handlesMore, residentMoreBytes: residentBytes(pid) - before.resident };
}
