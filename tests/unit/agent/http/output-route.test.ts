import { describe, expect, it } from "vitest";
import { outputResponse } from "../../../../agent/http/output-route.ts";
import { Workspace } from "../../../../agent/attempts/workspace.ts";
import type { AttemptEvent, AttemptReport } from "../../../../contracts/attempt.ts";
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

function at(state: AttemptReport["state"], outputs: AttemptReport["outputs"] = []): AttemptReport {
  return { ...reportOf({ attemptId: attemptId(1), jobId: jobId(1), no: 1 }, state), outputs };
}

/** Asks for output 0 of an attempt that collects, and ends so, or not before the caller goes. */
function ask(end: AttemptReport | null, range?: string) {
  const workspace = new Workspace("/nowhere", () => null);
  workspace.recent.keep(OUTPUT.sha256, BYTES);
  const gone = new AbortController();
  const watched = Promise.withResolvers<void>();
  async function* watch(_id: string, _options: unknown, signal: AbortSignal): AsyncGenerator<AttemptEvent> {
    yield { type: "report", report: at("collecting") };
    watched.resolve();
    if (end !== null) yield { type: "report", report: end };
    else if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  const attempts = { get: () => Promise.resolve(at("collecting")), watch };
  const answer = outputResponse({
    method: "GET",
    attemptId: attemptId(1),
    index: "0",
    range,
    ifRange: undefined,
    ifNoneMatch: undefined,
    signal: gone.signal,
  }, { attempts, workspace });
  return { answer, gone, watched: watched.promise };
}

describe("outputResponse() of an attempt that collects", () => {
  it("waits for its end, and answers with what was collected a moment ago without its file", async () => {
    const response = await ask(at("succeeded", [OUTPUT])).answer;
    expect(response.headers.get("etag")).toBe(`"${OUTPUT.sha256}"`);
    expect(await response.text()).toBe("a picture");
    const part = await ask(at("succeeded", [OUTPUT]), "bytes=2-4").answer;
    expect([part.status, await part.text()]).toEqual([206, "pic"]);
  });

  it("is no answer when the attempt ends without that output", async () => {
    await expect(ask(at("failed")).answer).rejects.toMatchObject({ code: "not_found" });
    await expect(ask(at("succeeded")).answer).rejects.toMatchObject({ code: "not_found" });
  });

  it.each(["before it is watched", "while it is watched"])("ends with a caller that goes %s", async (when) => {
    const { answer, gone, watched } = ask(null);
    if (when === "while it is watched") await watched;
    gone.abort();
    await expect(answer).rejects.toMatchObject({ code: "not_found" });
  });
});
