/** A pass-through whose pod, audit and keys do what a test says. */
import superjson from "superjson";
import type { Act, AuditOutcome } from "../../../../contracts/audit.ts";
import { ErrorEnvelope } from "../../../../contracts/errors.ts";
import type { Caller } from "../../../../contracts/tenant.ts";
import { createPassThrough, type PassThroughOptions } from "../../../../proxy/http/pass-through.ts";
import { systemClock } from "../../../../proxy/time/clock.ts";
import { podId } from "../jobs/ids.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { newKeyId, newTenantId } from "../store/samples.ts";

export const FACTS = {
  requestId: "req-1",
  trace: { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true },
};
export const POD = podId(1);
export const CALLER: Caller = { keyId: newKeyId(), tenantId: newTenantId(), scopes: ["pods:read", "pods:operate"] };

export type Asked = { path: string; init: RequestInit };

export function json(value: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json", ...headers } });
}

export function setUp(
  answer: (asked: Asked) => Response | Promise<Response>,
  options: Partial<PassThroughOptions> = {},
) {
  const asked: Asked[] = [];
  const acts: (Act & { outcome?: AuditOutcome })[] = [];
  const stop = new AbortController();
  const pass = createPassThrough({
    agents: {
      fetch: async (_podId, path, init = {}) => {
        asked.push({ path, init });
        return await answer({ path, init });
      },
    },
    audit: {
      begin: (act) => {
        const entry: typeof acts[number] = { ...act };
        acts.push(entry);
        return Promise.resolve({
          end(outcome) {
            entry.outcome = outcome;
            return Promise.resolve();
          },
        });
      },
    },
    isKnown: () => Promise.resolve(true),
    isActive: () => Promise.resolve(true),
    maxBodyBytes: 100_000,
    stopping: stop.signal,
    clock: systemClock(),
    logger: silentLogger,
    ...options,
  });
  return {
    asked,
    acts,
    stop,
    get: (procedure: string, init: RequestInit = {}, caller: Caller | null = CALLER) =>
      pass(new Request(`http://edge/pods/${POD}/trpc/${procedure}`, init), caller, FACTS),
    post: (procedure: string, init: RequestInit & { duplex?: "half" } = {}, caller: Caller | null = CALLER) =>
      pass(
        new Request(`http://edge/pods/${POD}/trpc/${procedure}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: "{}",
          ...init,
        }),
        caller,
        FACTS,
      ),
  };
}

/** The envelope as tRPC's client finds it. */
export async function refusal(response: Response) {
  const body = superjson.deserialize<{ data: { fleet: unknown } }>(JSON.parse(await response.text()).error);
  return { status: response.status, ...ErrorEnvelope.parse(body.data.fleet) };
}
