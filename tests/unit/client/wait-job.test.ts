import { TRPCClientError } from "@trpc/client";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../client/connection.ts";
import { waitForJob, type WaitOptions } from "../../../client/wait-job.ts";
import { FleetError } from "../../../contracts/errors.ts";

const jobId = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";

function refusal(code: "not_found" | "unauthorized" | "edge_stopping" | "invalid_input"): TRPCClientError<never> {
  const fleet = new FleetError(code, `Cannot get: ${code}`).toEnvelope();
  return TRPCClientError.from({ error: { message: code, code: -32000, data: { fleet } } } as never);
}

/** Each call is answered by the next of these: a state, or what it throws; the last one again and again. */
function scripted(answers: (string | Error)[]) {
  const asked: number[] = [];
  const along: (number | undefined)[] = [];
  const get = {
    query({ waitMs, inlineBytes }: { waitMs: number; inlineBytes?: number }) {
      along.push(inlineBytes);
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(waitMs);
      return typeof answer === "string" ? Promise.resolve({ id: jobId, state: answer }) : Promise.reject(answer);
    },
  };
  const connection = { baseUrl: "http://edge", requestTimeoutMs: 30_000, trpc: { jobs: { get } } };
  const wait = (options?: WaitOptions) => waitForJob(connection as unknown as Connection, jobId, options);
  return { asked, along, wait, connection };
}

describe("waitForJob()", () => {
  it("asks again until the job is final, each time to be held for less than a call may take", async () => {
    const { asked, along, wait } = scripted(["running", "queued", "succeeded"]);
    expect(await wait()).toMatchObject({ state: "succeeded" });
    expect(asked).toEqual([15_000, 15_000, 15_000]);
    expect(along).toEqual([65_536, 65_536, 65_536]);
  });

  it("asks an older edge for no bytes, and is refused once", async () => {
    const { along, wait } = scripted([refusal("invalid_input"), "running", "succeeded"]);
    expect(await wait()).toMatchObject({ state: "succeeded" });
    expect(along).toEqual([65_536, undefined, undefined]);
    await expect(scripted([refusal("invalid_input")]).wait()).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("outlasts an edge that is away or stopping", async () => {
    const { asked, wait } = scripted([new TypeError("fetch failed"), refusal("edge_stopping"), "failed"]);
    expect(await wait()).toMatchObject({ state: "failed" });
    expect(asked.length).toBe(3);
  });

  it("gives up after outageMs without an edge, and says how to come back", async () => {
    const { wait } = scripted([new TypeError("fetch failed")]);
    await expect(wait({ outageMs: 0 })).rejects.toMatchObject({
      code: "edge_unreachable",
      hint: expect.stringContaining(jobId),
    });
  });

  it.each(["not_found", "unauthorized"] as const)("throws %s at once", async (code) => {
    const { asked, wait } = scripted([refusal(code)]);
    await expect(wait()).rejects.toMatchObject({ code });
    expect(asked.length).toBe(1);
  });

  it("rejects with the signal's reason", async () => {
    const { wait } = scripted(["running"]);
    const reason = new Error("my reason");
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 20);
    await expect(wait({ signal: stop.signal })).rejects.toBe(reason);
  });
});
