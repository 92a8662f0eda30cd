/** Calls of an agent as tRPC's client sends them, answered by our own lines and by tRPC's handler. */
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { AgentContext } from "../../../../contracts/agent/ports.ts";
import { agentRouter } from "../../../../contracts/agent/router.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import type { Tracked } from "../../../../contracts/trpc.ts";
import { answerCall, type CallOptions } from "../../../../agent/http/answer-call.ts";
import { systemClock } from "../../../../agent/comfy/clock.ts";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";

export const ATTEMPT = "att_01h455vb4pex5vsknk084sn02q";
const from = { requestId: "req-1", caller: null };

/** What the ports' methods are called with, and what each of them does. */
export function portsOf(
  acts: { release?: () => void; watch?: (signal: AbortSignal) => AsyncIterable<unknown>; follow?: typeof lines } = {},
): CallOptions["ports"] {
  const attempts = { release: (ids: string[]) => Promise.resolve(ids).then(acts.release), watch: () => fails() };
  const pod = { watch: acts.watch ?? silentUntil };
  const comfy = { followLogs: acts.follow ?? lines, free: () => Promise.resolve({ requested: true }) };
  return { attempts, pod, comfy, gpu: {}, tailnet: {} } as unknown as CallOptions["ports"];
}

export async function* silentUntil(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function* fails(): AsyncGenerator<never> {
  await Promise.resolve();
  throw new FleetError("not_found", "Cannot find the attempt: nobody holds it");
}

export async function* lines(): AsyncGenerator<Tracked<unknown>> {
  yield { id: "log:1", data: { type: "line", text: "a\nb" } };
  yield { id: "log:2", data: { type: "line", text: "c" } };
}

export function ours(request: Request, ports = portsOf(), maxCallBytes = 1_000): Promise<Response> {
  return answerCall(request, from, { ports, maxCallBytes, clock: systemClock, logger: recordingLogger() });
}

export function trpcs(request: Request, ports = portsOf()): Promise<Response> {
  const createContext = () => ({ ...ports, ...from }) as AgentContext;
  return fetchRequestHandler({
    endpoint: "/trpc",
    req: request,
    router: agentRouter,
    allowBatching: false,
    createContext,
  });
}

export function post(path: string, body: string | null, headers: Record<string, string> = {}): Request {
  const length = { "content-length": String(Buffer.byteLength(body ?? "")) };
  return new Request(`http://agent/trpc/${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...length, ...headers },
  });
}

export function stream(path: string, init: RequestInit = {}): Request {
  return new Request(`http://agent/trpc/${path}`, init);
}

export const wellFormed = JSON.stringify({ json: { attemptId: ATTEMPT } });
