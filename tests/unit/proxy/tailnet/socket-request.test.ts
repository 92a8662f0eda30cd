import { request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import type { HttpRequest } from "../../../../contracts/tailnet/http-port.ts";
import { createLocalApi } from "../../../../contracts/tailnet/local-api.ts";
import { checkEdge } from "../../../../proxy/tailnet/edge-checks.ts";
import { createSocketRequest } from "../../../../proxy/tailnet/socket-request.ts";
import { systemClock } from "../../../../proxy/time/clock.ts";

const signal = new AbortController().signal;

/** As Deno does before it opens anything. */
const notCapable: HttpRequest<Duplex> = () => {
  throw Object.assign(new Error('Requires write access to "/run/ts.sock"'), { name: "NotCapable" });
};

async function lineFor(request: HttpRequest<Duplex>) {
  const api = createLocalApi<Duplex>({ request: createSocketRequest(request), socketPath: "/run/no/ts.sock" });
  return (await checkEdge({ api, isConnected: () => false, clock: systemClock() }, signal))[0];
}

describe("the edge's line about tailscaled", () => {
  it("names the permission that Deno did not give, and the flags that give it", async () => {
    const line = await lineFor(notCapable);
    expect(line).toMatchObject({
      status: "failed",
      message: expect.stringContaining("Deno does not let the edge open"),
    });
    expect(line?.fix).toContain("permission to read and to write /run/no/ts.sock");
  });

  it("says that the edge's user may not open the socket", async () => {
    const denied: HttpRequest<Duplex> = (options) => {
      const sent = httpRequest(options);
      process.nextTick(() => sent.destroy(Object.assign(new Error("connect EACCES"), { code: "EACCES" })));
      return sent;
    };
    expect(await lineFor(denied)).toMatchObject({ message: expect.stringContaining("user may not open its socket") });
  });

  it("says of a socket that is not there that it does not answer", async () => {
    expect(await lineFor(httpRequest)).toMatchObject({ message: expect.stringContaining("does not answer") });
  });
});
