/** What the answers to a mutation and to a subscription share: the input, and the words for what went wrong. */
import { getTRPCErrorFromUnknown, getTRPCErrorShape, TRPCError } from "@trpc/server";
import superjson from "superjson";
import type { AgentContext } from "../../contracts/agent/ports.ts";
import { agentRouter } from "../../contracts/agent/router.ts";
import { deserializeInput } from "../../contracts/foreign-input.ts";

export interface ProcedureCall {
  /** E.g. `attempts.start`. */
  path: string;
  type: "mutation" | "subscription";
  context: AgentContext;
  /** Told of what is about to be answered. */
  onError: (failure: { error: TRPCError }) => void;
}

/**
 * What the procedure asks for as its input, from its body or its query.
 * @param text null or empty: it came with none
 */
export function rawInput(text: string | null): () => Promise<unknown> {
  return () =>
    Promise.resolve().then(() => text ? deserializeInput(JSON.parse(text)) : undefined).catch((cause: unknown) => {
      throw new TRPCError({ code: "BAD_REQUEST", cause });
    });
}

/** As superjson writes plain JSON, which the contract's data is: it would walk through it to find that out. */
export function plainData(data: unknown): { json: unknown } {
  return { json: data };
}

/** The error in tRPC's shape around our envelope, as superjson writes it, and its HTTP status. */
export function failureOf(cause: unknown, { path, type, context, onError }: ProcedureCall) {
  const error = getTRPCErrorFromUnknown(cause);
  onError({ error });
  const { _config: config } = agentRouter._def;
  const shape = getTRPCErrorShape({ config, error, type, path, input: undefined, ctx: context });
  return { status: shape.data.httpStatus, data: superjson.serialize(shape) };
}
