import { describe, expect, it } from "vitest";
import { isAgentProcedure, OPERATOR_PROCEDURES } from "../../../contracts/agent/operator.ts";
import { agentRouter } from "../../../contracts/agent/router.ts";

describe("OPERATOR_PROCEDURES", () => {
  it("has what the contract's meta names, with the kind of call and the scope", () => {
    expect(OPERATOR_PROCEDURES.get("comfy.status")).toEqual({ type: "query", scope: "pods:read" });
    expect(OPERATOR_PROCEDURES.get("comfy.restart")).toEqual({ type: "mutation", scope: "pods:operate" });
    expect(OPERATOR_PROCEDURES.get("comfy.logs")).toEqual({ type: "query", scope: "pods:operate" });
    expect(OPERATOR_PROCEDURES.get("comfy.followLogs")).toEqual({ type: "subscription", scope: "pods:operate" });
  });

  it("lacks what belongs to the edge that holds the pod", () => {
    const procedures = Object.keys(agentRouter._def.procedures);
    const edges = procedures.filter((path) =>
      path.startsWith("attempts.") || path === "pod.beat" || path === "pod.watch"
    );
    expect(edges.length).toBeGreaterThanOrEqual(8);
    for (const path of edges) {
      expect(isAgentProcedure(path), path).toBe(true);
      expect(OPERATOR_PROCEDURES.has(path), path).toBe(false);
    }
  });

  it("lets nobody change a pod who may only read", () => {
    for (const [path, { type, scope }] of OPERATOR_PROCEDURES) {
      if (type === "mutation") expect(scope, path).not.toBe("pods:read");
    }
  });

  it.each(["", "comfy", "nope.nope", "__proto__", "constructor", "toString"])("knows no procedure '%s'", (path) => {
    expect(isAgentProcedure(path)).toBe(false);
    expect(OPERATOR_PROCEDURES.has(path)).toBe(false);
  });
});
