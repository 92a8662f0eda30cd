import { describe, expect, it } from "vitest";
import { outputResponse } from "../../../../agent/http/output-route.ts";
import { Workspace } from "../../../../agent/attempts/workspace.ts";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { attemptId, jobId } from "../../proxy/jobs/ids.ts";

const BYTES = new TextEncoder().encode("a picture");
const OUTPUT = {
  index: 0,
  nodeId: "9",
  name: "out.png",
  contentType: "image/png",
  sizeBytes: BYTES.byteLength,
  sha256: "0".repeat(64),
  temporary: false,
};

function ask(state: AttemptReport["state"], outputs: AttemptReport["outputs"], range?: string) {
  const workspace = new Workspace("/nowhere", () => null);
  workspace.recent.keep(OUTPUT.sha256, BYTES);
  const report = { ...reportOf({ attemptId: attemptId(1), jobId: jobId(1), no: 1 }, state), outputs };
  const attempts = { get: () => Promise.resolve(report) };
  const request = { method: "GET", attemptId: attemptId(1), index: "0", ifRange: undefined, ifNoneMatch: undefined };
  return outputResponse({ ...request, range }, { attempts, workspace });
}

describe("outputResponse()", () => {
  it("answers with what was collected a moment ago without its file", async () => {
    const response = await ask("succeeded", [OUTPUT]);
    expect(response.headers.get("etag")).toBe(`"${OUTPUT.sha256}"`);
    expect(await response.text()).toBe("a picture");
    const part = await ask("succeeded", [OUTPUT], "bytes=2-4");
    expect([part.status, await part.text()]).toEqual([206, "pic"]);
  });

  it("has nothing of an attempt that has not collected it", async () => {
    await expect(ask("collecting", [])).rejects.toMatchObject({ code: "not_found" });
    await expect(ask("failed", [])).rejects.toMatchObject({ code: "not_found" });
  });
});
