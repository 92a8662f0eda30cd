/** What a handler of v2 gets, and what all of them share. */
import type { Context } from "hono";
import type { KeyId } from "../../../contracts/ids.ts";
import type { Caller } from "../../../contracts/tenant.ts";
import type { TraceContext } from "../../../contracts/telemetry/trace-context.ts";
import type { Assets } from "../../assets/port.ts";
import type { FileInputs } from "../../jobs/file-inputs.ts";
import type { Jobs } from "../../jobs/port.ts";
import type { UrlSigner } from "../../secrets/url-signer.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Clock } from "../../time/clock.ts";
import { type ContentLinks, contentLinks } from "./links.ts";

export interface V2Options {
  jobs: Pick<Jobs, "submitV2" | "get" | "list" | "cancel" | "watch" | "queuePosition" | "workflowOf">;
  assets: Pick<Assets, "upload" | "fromHash" | "hasBlake3" | "get" | "delete" | "download" | "findByPaths">;
  fileInputs: FileInputs;
  signer: UrlSigner;
  /** Origin that callers reach this edge at; null: the one that each request names. */
  publicOrigin: string | null;
  /** How long a GET of an unfinished job is held when it says nothing, ms. */
  holdMs: number;
  /** Event streams that a tenant may have open at once. */
  maxStreams: number;
  /** Requests a second of one tenant. */
  requestsPerSecond: number;
  maxWorkflowBytes: number;
  maxUploadBytes: number;
  /** Whether a key is still in force: asked again for what lasts. */
  isActive: (keyId: KeyId) => Promise<boolean>;
  /** Aborted when the edge stops: held calls are answered then, and streams end. */
  stopping: AbortSignal;
  clock: Clock;
  logger: Logger;
}

export interface V2Env {
  Bindings: { caller: Caller | null; requestId: string; trace: TraceContext; origin?: string | null };
}

export type V2Context = Context<V2Env>;

/** A handler for whoever has the scope that its path asks for. */
export type V2Route = (c: V2Context, caller: Caller) => Promise<Response>;

/** Links of one answer to this request. */
export function linksFor({ signer, publicOrigin, clock }: V2Options, c: V2Context): ContentLinks {
  const origin = publicOrigin ?? c.env.origin ?? new URL(c.req.raw.url).origin;
  return contentLinks({ signer, nowMs: clock.nowMs(), origin });
}

/** Answers of v2 are of their moment. */
export function jsonAnswer(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}
