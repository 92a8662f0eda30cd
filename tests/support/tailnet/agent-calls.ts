/** One request for each procedure and raw route of an agent, such as an edge sends it: it would be executed. */
import superjson from "superjson";
import { typeid } from "typeid-js";
import { AGENT_ROUTES } from "../../../contracts/agent/routes.ts";
import { agentRouter } from "../../../contracts/agent/router.ts";
import { EdgeId } from "../../../contracts/ids.ts";
import { newAttemptId, order, POD_ID, sha256Of } from "../../contract/agent/orders.ts";
import { quick } from "../fleet/workflows.ts";

export interface AgentCall {
  /** E.g. `attempts.start` or `PUT /inputs`. */
  name: string;
  method: "GET" | "POST" | "PUT";
  path: string;
  body?: string;
}

/** Bytes that no agent has unless somebody put them there. */
export const STRANGE_INPUT = "bytes of a stranger";
/** The pod that a beat of {@link agentCalls} would make of the agent. */
export const STRANGE_POD = POD_ID;

const attemptId = newAttemptId();

/** By procedure; those that are not here take no input. */
const INPUTS: Readonly<Record<string, unknown>> = {
  "pod.beat": {
    ...{ podId: STRANGE_POD, edgeId: EdgeId.parse(typeid("edge").toString()), epoch: 1, leaseMs: 60_000 },
    ...{ cancel: [], known: [] },
  },
  "attempts.start": order(quick(), { attemptId }),
  "attempts.withdraw": { attemptId },
  "attempts.cancel": { attemptId },
  "attempts.get": { attemptId },
  "attempts.watch": { attemptId },
  "attempts.release": { attemptId },
  "comfy.restart": { running: "lose" },
  "comfy.logs": { lines: 5 },
  "comfy.followLogs": { lines: 5 },
};

interface Flat {
  _def: { type: "query" | "mutation" | "subscription" };
}

function procedureCalls(): AgentCall[] {
  const procedures = Object.entries<Flat>(agentRouter._def.procedures as object as Record<string, Flat>);
  return procedures.map(([name, { _def: { type } }]) => {
    const input = superjson.stringify(INPUTS[name]);
    const path = `${AGENT_ROUTES.trpc}/${name}`;
    if (type === "mutation") return { name, method: "POST", path, body: input };
    return {
      name,
      method: "GET",
      path: INPUTS[name] === undefined ? path : `${path}?input=${encodeURIComponent(input)}`,
    };
  });
}

export function agentCalls(): AgentCall[] {
  const sha256 = sha256Of(new TextEncoder().encode(STRANGE_INPUT));
  return [
    ...procedureCalls(),
    { name: "PUT /inputs", method: "PUT", path: `${AGENT_ROUTES.inputs}/${sha256}`, body: STRANGE_INPUT },
    { name: "GET outputs", method: "GET", path: `${AGENT_ROUTES.attempts}/${attemptId}/outputs/0` },
    { name: "GET /object-info", method: "GET", path: `${AGENT_ROUTES.objectInfo}/${"0".repeat(64)}` },
    { name: "GET /metrics", method: "GET", path: AGENT_ROUTES.metrics },
    { name: "GET /", method: "GET", path: "/" },
    { name: "GET no such path", method: "GET", path: "/no/such/path" },
  ];
}
