/** What an edge believes of X-Forwarded-*, on both runtimes: that of its own proxies, and nobody else's. */
import { TypeID } from "typeid-js";
import { describe, expect, it } from "vitest";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { quick } from "../support/fleet/workflows.ts";

const FORWARDED = {
  "x-forwarded-for": "203.0.113.9",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "fleet.example.com",
};

/** The client in the log's line of the request, and the link to a file in its answer. */
async function ask(fleet: TestFleet, jobId: string, requestId: string) {
  const url = new URL(`/api/v2/jobs/${TypeID.fromString(jobId).toUUID()}`, fleet.baseUrl);
  const headers = { ...FORWARDED, "x-request-id": requestId, authorization: `Bearer ${fleet.apiKey}` };
  const text = await (await fetch(url, { headers })).text();
  const client = await until("the request's line", () => {
    const lines = fleet.edge.log().split("\n").slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
    const line = lines.find((one) => one["msg"] === "request" && one["requestId"] === requestId);
    return Promise.resolve(line ? { client: line["client"] } : null);
  });
  return { ...client, origin: /https?:\/\/[^/"\\]+/.exec(text)?.[0] };
}

describe.each(EDGE_RUNTIMES)("an edge on %s", (runtime) => {
  it("takes client and links from a proxy of EDGE_TRUSTED_PROXIES, and the request id from anybody", async () => {
    await using fleet = await startTestFleet({ runtime, env: { EDGE_TRUSTED_PROXIES: "10.0.0.0/8,127.0.0.1" } });
    const { job } = await fleet.client.run(quick());
    expect(await ask(fleet, job.id, "behind-a-proxy")).toEqual({
      client: "203.0.113.9",
      origin: "https://fleet.example.com",
    });
  });

  it("takes neither from anybody else", async () => {
    await using fleet = await startTestFleet({ runtime, env: { EDGE_TRUSTED_PROXIES: "10.0.0.0/8" } });
    const { job } = await fleet.client.run(quick());
    expect(await ask(fleet, job.id, "from-anybody")).toEqual({
      client: "127.0.0.1",
      origin: new URL(fleet.baseUrl).origin,
    });
  });
});
