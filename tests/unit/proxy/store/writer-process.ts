/**
 * A process of its own for tests: opens the store at the path it is given, says `open`, then submits jobs as fast as it
 * can and prints each job's id when, and only when, the store has accepted it. It never ends by itself.
 */
import { openSqliteStore } from "../../../../proxy/store/sqlite/open.ts";
import { newTenantId, sampleJob } from "./samples.ts";

const [path = ""] = process.argv.slice(2);
const store = await openSqliteStore({ path });
const { id: tenantId } = await store.createTenant({ id: newTenantId(), name: "writer" });
console.log("open");
for (;;) {
  const job = sampleJob(tenantId);
  await store.submitJob(job);
  await new Promise((resolve) => process.stdout.write(`${job.id}\n`, resolve));
}
