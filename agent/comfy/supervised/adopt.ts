/**
 * After a restart of the agent: is a ComfyUI of ours still running? It is when the recorded process lives (same id, same
 * start time) and its port answers with the recorded nonce. Anything else of ours is ended; what is not ours is left alone.
 */
import type { GenerationRecord } from "../generation-journal.ts";
import { readSystemStats } from "../http/introspection.ts";
import { endGroup, isAlive, type ProcessIdentity } from "../process/process-group.ts";
import type { RunningGeneration } from "./launch.ts";
import type { SupervisedContext } from "./options.ts";

/** Returns the newest generation that proved itself, having ended all others of the journal. */
export async function adoptGeneration(
  context: SupervisedContext,
  signal: AbortSignal,
): Promise<RunningGeneration | null> {
  let adopted: RunningGeneration | null = null;
  for (const record of context.journal.open()) {
    if (signal.aborted) break;
    const identity = await findProcess(context, record);
    if (adopted === null && identity !== null && await provesItself(context, { record, identity, signal })) {
      context.journal.spawned(record.id, identity);
      adopted = {
        record: { ...record, pid: identity.pid, processStart: identity.startTime },
        identity,
        adopted: true,
        exited: null,
      };
      continue;
    }
    if (signal.aborted) break;
    await discard(context, record, identity);
  }
  return adopted;
}

/** Ends everything of ours that the journal still holds. */
export async function endOpenGenerations(context: SupervisedContext): Promise<void> {
  for (const record of context.journal.open()) await discard(context, record, await findProcess(context, record));
}

/** The recorded process, if it is that process still. Without a recorded pid the agent died while it spawned. */
async function findProcess(context: SupervisedContext, record: GenerationRecord): Promise<ProcessIdentity | null> {
  const { processTable } = context;
  if (record.pid === null || !record.processStart) {
    const [found] = await processTable.findByArgument(record.nonce);
    return found === undefined ? null : { pid: found.pid, startTime: found.startTime };
  }
  const identity = { pid: record.pid, startTime: record.processStart };
  return await isAlive(identity, processTable) ? identity : null;
}

/** Asks until the nonce answers, the process is gone or the deadline is over: it may be starting or busy. */
async function provesItself(
  context: SupervisedContext,
  { record, identity, signal }: { record: GenerationRecord; identity: ProcessIdentity; signal: AbortSignal },
): Promise<boolean> {
  const { clock, timings } = context;
  const baseUrl = `http://127.0.0.1:${record.port}`;
  const untilMs = clock.now() + timings.adoptWithinMs;
  while (!signal.aborted && clock.now() < untilMs && await isAlive(identity, context.processTable)) {
    try {
      const target = { fetch: context.fetch, baseUrl, timeoutMs: timings.requestTimeoutMs };
      const stats = await readSystemStats(target, signal);
      return stats.argv.some((arg) => arg.includes(record.nonce));
    } catch {
      await clock.sleep(timings.readinessPollMs, signal);
    }
  }
  return false;
}

async function discard(
  context: SupervisedContext,
  record: GenerationRecord,
  identity: ProcessIdentity | null,
): Promise<void> {
  const { clock, journal, logger, timings } = context;
  if (identity === null) {
    journal.ended(record.id, { atMs: clock.now(), reason: "GoneWhileAgentWasDown" });
    return;
  }
  logger.warn("Ending a ComfyUI that did not prove its identity", { generation: record.id, pid: identity.pid });
  await endGroup(identity, {
    table: context.processTable,
    signalProcess: context.signalProcess,
    clock,
    pollMs: timings.processPollMs,
    graceMs: timings.stopGraceMs,
    killWaitMs: timings.killWaitMs,
  });
  journal.ended(record.id, { atMs: clock.now(), reason: "NotAdopted" });
}
