/** A mutation, which every job needs some of: called and answered with as little as that takes. */
import { callTRPCProcedure } from "@trpc/server";
import { agentRouter } from "../../contracts/agent/router.ts";
import { failureOf, plainData, type ProcedureCall, rawInput } from "./procedure-call.ts";

const HEADERS = { "content-type": "application/json" };

/** @param body as it came */
export async function answerMutation(call: ProcedureCall, body: string): Promise<Response> {
  const { path, context: ctx } = call;
  try {
    const procedure = { router: agentRouter, path, type: "mutation", batchIndex: 0 } as const;
    // No mutation ends early because its caller has left.
    const data = await callTRPCProcedure({ ...procedure, ctx, getRawInput: rawInput(body), signal: undefined });
    return new Response(JSON.stringify({ result: { data: plainData(data) } }), { headers: HEADERS });
  } catch (cause) {
    const failure = failureOf(cause, call);
    return new Response(JSON.stringify({ error: failure.data }), { status: failure.status, headers: HEADERS });
  }
}
