import { describe, expect, it } from "vitest";
import type { FleetError } from "../../../../contracts/errors.ts";
import { createDirectTransport } from "../../../../proxy/pods/direct-transport.ts";
import { podId } from "../jobs/ids.ts";

const POD = podId(1);
const TARGET = { url: "http://10.0.0.7:8189", secret: "s3cret" };

type Seen = { url: string; init: RequestInit };

function transportTo(answer: (seen: Seen) => Promise<Response>) {
  const seen: Seen[] = [];
  const fetch = (url: string | URL | Request, init: RequestInit = {}) => {
    seen.push({ url: String(url), init });
    return answer({ url: String(url), init });
  };
  return { seen, transport: createDirectTransport({ pods: new Map([[POD, TARGET]]), fetch }) };
}

async function failureOf(transport: ReturnType<typeof transportTo>["transport"], id = POD): Promise<FleetError> {
  try {
    await transport.fetch(id, "/trpc/pod.beat");
  } catch (error) {
    return error as FleetError;
  }
  throw new Error("it did not fail");
}

describe("createDirectTransport()", () => {
  it("sends the request to the pod's own address with the secret, following no redirect", async () => {
    const { seen, transport } = transportTo(() => Promise.resolve(new Response("ok", { status: 302 })));
    const response = await transport.fetch(POD, "/trpc/pod.beat?a=%2F", {
      method: "POST",
      headers: { "x-request-id": "r1", authorization: "Bearer other" },
      body: "{}",
    });
    expect(response.status).toBe(302);
    expect(seen[0]?.url).toBe("http://10.0.0.7:8189/trpc/pod.beat?a=%2F");
    expect(seen[0]?.init).toMatchObject({ method: "POST", redirect: "manual", body: "{}" });
    const headers = new Headers(seen[0]?.init.headers);
    expect(headers.get("authorization")).toBe("Bearer s3cret");
    expect(headers.get("x-request-id")).toBe("r1");
  });

  it("does not let a path that looks like an origin leave the pod", async () => {
    const { seen, transport } = transportTo(() => Promise.resolve(new Response()));
    await transport.fetch(POD, "//evil.example/x");
    expect(new URL(seen[0]?.url ?? "").host).toBe("10.0.0.7:8189");
  });

  it("answers a failed connection with agent_unreachable, without the address", async () => {
    const { transport } = transportTo(() => Promise.reject(new TypeError("fetch failed http://10.0.0.7:8189")));
    const error = await failureOf(transport);
    expect(error).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
    expect(JSON.stringify(error.toEnvelope())).not.toContain("10.0.0.7");
  });

  it.each([
    ["Node", new TypeError("fetch failed", { cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) })],
    ["Deno", new TypeError("error sending request: client error (Connect): tcp connect error: Connection refused")],
  ])("knows a refused connection on %s: nothing was sent", async (_, cause) => {
    const { transport } = transportTo(() => Promise.reject(cause));
    expect(await failureOf(transport)).toMatchObject({ code: "agent_unreachable", details: { sent: false } });
  });

  it("refuses a pod it has no way to", async () => {
    const { transport } = transportTo(() => Promise.resolve(new Response()));
    expect(await failureOf(transport, podId(2))).toMatchObject({ code: "agent_unreachable", details: { sent: false } });
  });

  it("passes the caller's abort on and leaves it an abort", async () => {
    const abort = new AbortController();
    const { transport } = transportTo(({ init }) =>
      new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(init.signal?.reason)))
    );
    const answer = transport.fetch(POD, "/x", { signal: abort.signal });
    abort.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
  });
});
