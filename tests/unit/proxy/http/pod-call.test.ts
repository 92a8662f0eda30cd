import { describe, expect, it } from "vitest";
import { agentRouter } from "../../../../contracts/agent/router.ts";
import { OPERATOR_PROCEDURES } from "../../../../contracts/agent/operator.ts";
import type { ErrorCode, FleetError } from "../../../../contracts/errors.ts";
import { parsePodCall } from "../../../../proxy/http/pod-call.ts";
import { podId } from "../jobs/ids.ts";

const POD = podId(1);
const at = (rest: string, method = "GET") => () => parsePodCall({ url: `http://edge/pods/${rest}`, method });

function refusalOf(parse: () => unknown): ErrorCode {
  try {
    parse();
  } catch (error) {
    return (error as FleetError).code;
  }
  throw new Error("it was not refused");
}

describe("parsePodCall()", () => {
  it("takes one procedure of the list, with its input as it is", () => {
    expect(at(`${POD}/trpc/comfy.logs?input=%7B%22json%22%3A%7B%22lines%22%3A5%7D%7D`)()).toEqual({
      podId: POD,
      procedure: "comfy.logs",
      type: "query",
      scope: "pods:operate",
      path: "/trpc/comfy.logs?input=%7B%22json%22%3A%7B%22lines%22%3A5%7D%7D",
    });
    expect(at(`${POD}/trpc/comfy.followLogs?input=1&lastEventId=a.7`)()).toMatchObject({ type: "subscription" });
    expect(at(`${POD}/trpc/comfy.free`, "POST")()).toMatchObject({ path: "/trpc/comfy.free", type: "mutation" });
  });

  it("refuses every procedure of the contract that is not on the list", () => {
    const others = Object.keys(agentRouter._def.procedures).filter((name) => !OPERATOR_PROCEDURES.has(name));
    expect(others).toContain("pod.beat");
    expect(others).toContain("attempts.start");
    for (const name of others) {
      for (const method of ["GET", "POST"]) {
        expect(refusalOf(at(`${POD}/trpc/${name}`, method)), name).toBe("forbidden");
      }
    }
  });

  it.each([
    ["comfy.status,pod.beat", "invalid_input"],
    ["comfy.status,comfy.status?batch=1", "invalid_input"],
    ["comfy.status?batch=1", "invalid_input"],
    ["comfy.status?batch=0", "invalid_input"],
    ["comfy.status?input=1&connectionParams=%7B%7D", "invalid_input"],
    ["comfy.status%2Cpod.beat", "invalid_input"],
    ["comfy.status%2F..%2Fpod.beat", "invalid_input"],
    ["comfy.status%252F..%252Fpod.beat", "invalid_input"],
    ["comfy%2Estatus", "invalid_input"],
    ["pod%2Ebeat", "invalid_input"],
    ["..%2f..%2ftrpc%2fkeys.create", "invalid_input"],
    ["comfy.status/", "invalid_input"],
    ["comfy.status//", "invalid_input"],
    ["comfy.status;a=b", "invalid_input"],
    ["comfy.status%00", "invalid_input"],
    ["comfy.status%0d%0aHost:%20x", "invalid_input"],
    ["comfy..status", "invalid_input"],
    ["comfy", "invalid_input"],
    [".comfy.status", "invalid_input"],
    ["https://elsewhere/x", "invalid_input"],
    ["\\\\elsewhere\\x", "invalid_input"],
    ["comfy.status/../pod.beat", "forbidden"],
    ["x/%2e%2e/pod.beat", "forbidden"],
    ["comfy.nope", "not_found"],
    ["__proto__.x", "invalid_input"],
    ["constructor.prototype", "not_found"],
    ["", "not_found"],
  ])("refuses the procedure '%s'", (procedure, code) => {
    expect(refusalOf(at(`${POD}/trpc/${procedure}`))).toBe(code);
  });

  it.each([
    ["pod_1/trpc/comfy.status", "not_found"],
    [`${POD.toUpperCase()}/trpc/comfy.status`, "not_found"],
    [`${POD}%2Ftrpc/comfy.status`, "not_found"],
    [`${POD}/trpc/../../${POD}/trpc`, "not_found"],
    [`../trpc/keys.create`, "not_found"],
    [`${POD}`, "not_found"],
    [`${POD}/inputs/abc`, "not_found"],
    [`${POD}/trpcx/comfy.status`, "not_found"],
    [`/${POD}/trpc/comfy.status`, "not_found"],
    [`..%2f..%2f${POD}/trpc/comfy.status`, "not_found"],
  ])("refuses the path '%s'", (path, code) => {
    expect(refusalOf(at(path))).toBe(code);
  });

  it("refuses a wrong method, so that no act looks like a question", () => {
    expect(refusalOf(at(`${POD}/trpc/comfy.restart`, "GET"))).toBe("invalid_input");
    for (const method of ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      expect(refusalOf(at(`${POD}/trpc/comfy.status`, method)), method).toBe("invalid_input");
    }
  });
});
