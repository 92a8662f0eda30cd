/** Somebody who watches all jobs of a tenant by reading the feed now and then, a part at a time, from the last place seen. */
import { z } from "zod";
import type { TenantId } from "../../../../contracts/ids.ts";
import type { EventStore } from "../../../../proxy/store/event-store.ts";
import { all, type StoreDriver } from "../../../../proxy/store/transaction.ts";

const EVENTS = `select job_id as "jobId", ver from event order by job_id, ver`;
const EventColumns = z.object({ jobId: z.string(), ver: z.int() });

export function createFollower(store: EventStore, tenantId: TenantId) {
  const told: { jobId: string; ver: number }[] = [];
  let seq = 0;

  async function read(limit: number): Promise<number> {
    const rows = await store.listFeed({ tenantId, afterSeq: seq, limit });
    told.push(...rows.map(({ jobId, ver }) => ({ jobId, ver })));
    seq = rows.at(-1)?.seq ?? seq;
    return rows.length;
  }

  return {
    read,
    /** What it was not told, told twice or told in another order than it happened to a job. */
    async violations(driver: StoreDriver): Promise<string[]> {
      while (await read(100) > 0);
      const happened = await driver.read(() => all(EVENTS, [], EventColumns));
      const byJob = Map.groupBy(told, ({ jobId }) => jobId);
      return [...Map.groupBy(happened, ({ jobId }) => jobId)].flatMap(([jobId, events]) => {
        const [seen, is] = [byJob.get(jobId) ?? [], events].map((list) => list.map(({ ver }) => ver).join());
        return seen === is ? [] : [`${jobId}: was told as ${seen}, and was ${is}`];
      });
    },
  };
}
