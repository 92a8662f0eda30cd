/** The edge's typed contract: shape, validation, scopes and delegation to the ports on `ctx`; nothing else. */
import { Asset } from "../asset.ts";
import { AuditEntry } from "../audit.ts";
import { Job, SubmitJob } from "../job.ts";
import { pageOf, PageRequest } from "../page.ts";
import { Pod } from "../pod.ts";
import { PlanService, ServiceDetails, ServicePlan, ServiceSummary } from "../services/views.ts";
import { TailnetReport, TailnetStatus } from "../tailnet/report.ts";
import { SystemInfo } from "../system.ts";
import { ApiKey, CreatedKey, type Scope, Tenant } from "../tenant.ts";
import { createTRPC, requireCaller, requireScope, rethrowTyped, trackedStream, typedStream } from "../trpc.ts";
import { describeAct, isAudited, outcomeOf, targetOf } from "./auditing.ts";
import {
  ByAsset,
  ByJob,
  ByKey,
  ByPod,
  ByService,
  CordonPod,
  CreateKey,
  CreateTenant,
  GetJob,
  ListJobs,
  RetryJob,
  WatchEvents,
  WatchJob,
} from "./inputs.ts";
import { EnrollPods, Enrolment, RemovedPod, RemovePod } from "./enrolment.ts";
import type { EdgeContext } from "./ports.ts";

const t = createTRPC<EdgeContext>();

/** Outermost, so that what the middlewares below throw (no scope) is typed too. */
const procedure = t.procedure.use(async ({ next }) => {
  const result = await next();
  rethrowTyped(result);
  return result;
});

/** A procedure that needs the scope; `ctx.caller` is the authenticated caller from here on. */
function scoped(scope: Scope) {
  return procedure.meta({ scope }).use(async ({ ctx, type, path, getRawInput, next }) => {
    const caller = requireScope(ctx.caller, scope);
    if (type !== "mutation" || !isAudited(scope)) return await next({ ctx: { caller } });
    const { audit, requestId } = ctx;
    const { keyId, tenantId } = caller;
    const act = await audit.begin({ keyId, tenantId, requestId, action: path, ...describeAct(await getRawInput()) });
    const result = await next({ ctx: { caller } });
    await act.end(outcomeOf(result.ok ? null : result.error), result.ok ? targetOf(result.data) : null);
    return result;
  });
}

/** Open to every caller with a key. */
const signedIn = procedure.use(({ ctx, next }) => next({ ctx: { caller: requireCaller(ctx.caller) } }));

const jobs = t.router({
  submit: scoped("jobs:write").input(SubmitJob).output(Job)
    .mutation(({ ctx, input }) => ctx.jobs.submit(ctx.caller, input, ctx.trace)),
  get: scoped("jobs:read").input(GetJob).output(Job)
    .query(({ ctx, input, signal }) => ctx.jobs.get(ctx.caller, input, signal ?? new AbortController().signal)),
  list: scoped("jobs:read").input(ListJobs).output(pageOf(Job))
    .query(({ ctx, input }) => ctx.jobs.list(ctx.caller, input)),
  cancel: scoped("jobs:write").input(ByJob).output(Job)
    .mutation(({ ctx, input }) => ctx.jobs.cancel(ctx.caller, input.jobId)),
  retry: scoped("jobs:write").input(RetryJob).output(Job)
    .mutation(({ ctx, input }) => ctx.jobs.retry(ctx.caller, input, ctx.trace)),
  watch: scoped("jobs:read").input(WatchJob).subscription(({ ctx, input, signal }) =>
    trackedStream(ctx.jobs.watch(ctx.caller, input, signal ?? new AbortController().signal))
  ),
});

const assets = t.router({
  get: scoped("assets:read").input(ByAsset).output(Asset)
    .query(({ ctx, input }) => ctx.assets.get(ctx.caller, input.assetId)),
  list: scoped("assets:read").input(PageRequest).output(pageOf(Asset))
    .query(({ ctx, input }) => ctx.assets.list(ctx.caller, input)),
  delete: scoped("assets:write").input(ByAsset)
    .mutation(({ ctx, input }) => ctx.assets.delete(ctx.caller, input.assetId)),
});

const pods = t.router({
  list: scoped("pods:read").input(PageRequest).output(pageOf(Pod)).query(({ ctx, input }) => ctx.pods.list(input)),
  get: scoped("pods:read").input(ByPod).output(Pod).query(({ ctx, input }) => ctx.pods.get(input.podId)),
  watch: scoped("pods:read").subscription(({ ctx, signal }) =>
    typedStream(ctx.pods.watch(signal ?? new AbortController().signal))
  ),
  cordon: scoped("pods:operate").input(CordonPod).output(Pod).mutation(({ ctx, input }) => ctx.pods.cordon(input)),
  uncordon: scoped("pods:operate").input(ByPod).output(Pod)
    .mutation(({ ctx, input }) => ctx.pods.uncordon(input.podId)),
  drain: scoped("pods:operate").input(CordonPod).output(Pod).mutation(({ ctx, input }) => ctx.pods.drain(input)),
  enroll: scoped("pods:operate").input(EnrollPods).output(Enrolment)
    .mutation(({ ctx, input, signal }) => ctx.pods.enroll(input, signal ?? new AbortController().signal)),
  remove: scoped("pods:operate").input(RemovePod).output(RemovedPod)
    .mutation(({ ctx, input, signal }) => ctx.pods.remove(input, signal ?? new AbortController().signal)),
});

const services = t.router({
  list: scoped("services:read").input(PageRequest).output(pageOf(ServiceSummary))
    .query(({ ctx, input }) => ctx.services.list(input)),
  get: scoped("services:read").input(ByService).output(ServiceDetails)
    .query(({ ctx, input }) => ctx.services.get(input.service)),
  plan: scoped("services:read").input(PlanService).output(ServicePlan)
    // Changes nothing, but a prompt may be longer than a URL.
    .mutation(({ ctx, input }) => ctx.services.plan(input)),
});

const tenants = t.router({
  create: scoped("admin").input(CreateTenant).output(Tenant).mutation(({ ctx, input }) => ctx.tenants.create(input)),
});

const keys = t.router({
  create: scoped("admin").input(CreateKey).output(CreatedKey)
    .mutation(({ ctx, input }) => ctx.keys.create(ctx.caller, input)),
  list: scoped("admin").input(PageRequest).output(pageOf(ApiKey)).query(({ ctx, input }) => ctx.keys.list(input)),
  revoke: scoped("admin").input(ByKey).output(ApiKey).mutation(({ ctx, input }) => ctx.keys.revoke(input.keyId)),
});

const audit = t.router({
  list: scoped("admin").input(PageRequest).output(pageOf(AuditEntry))
    .query(({ ctx, input }) => ctx.audit.list(input)),
});

const events = t.router({
  watch: scoped("jobs:read").input(WatchEvents).subscription(({ ctx, input, signal }) =>
    trackedStream(ctx.events.watch(ctx.caller, input, signal ?? new AbortController().signal))
  ),
});

const system = t.router({
  info: signedIn.output(SystemInfo).query(({ ctx }) => ctx.system.info()),
});

const tailnet = t.router({
  status: scoped("pods:read").output(TailnetStatus)
    .query(({ ctx, signal }) => ctx.tailnet.status(signal ?? new AbortController().signal)),
  // Changes nothing, but knocks at every pod.
  check: scoped("pods:operate").output(TailnetReport)
    .mutation(({ ctx, signal }) => ctx.tailnet.check(signal ?? new AbortController().signal)),
});

export const edgeRouter = t.router({ jobs, assets, pods, services, tenants, keys, audit, events, system, tailnet });
export type EdgeRouter = typeof edgeRouter;
