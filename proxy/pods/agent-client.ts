/** What may be called of an agent in one request and one answer. */
import type { TRPCClient } from "@trpc/client";
import type { AgentRouter } from "../../contracts/agent/router.ts";

/** Left out is what has `subscribe`, and what no name leads to. */
type WithoutStreams<T> = {
  [Name in keyof T & string as T[Name] extends { subscribe: unknown } ? never : Name]: T[Name] extends
    { query: unknown } | { mutate: unknown } ? T[Name] : WithoutStreams<T[Name]>;
};

/** Queries and mutations; an agent's streams are read by `watchAttempt` and `watchPod` of `Agents`. */
export type AgentClient = WithoutStreams<TRPCClient<AgentRouter>>;
