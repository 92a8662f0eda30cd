import { once } from "node:events";
import { connect } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../../agent/comfy/clock.ts";
import { type AppOptions, createApp } from "../../../../agent/http/app.ts";
import { type Listener, listenTcp } from "../../../../agent/http/listen.ts";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";
import { head } from "./gated-agent.ts";

const listeners: Listener[] = [];
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop(0)));
});

/** An agent on a real port, which says when it has answered for the first time. */
async function startAgent(options: Partial<AppOptions>) {
  const logger = recordingLogger();
  const app = createApp({
    ...{ access: () => null, maxCallBytes: 1_000, clock: systemClock, logger },
    ...options,
  } as AppOptions);
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<number>();
  const observed = new Hono<{ Bindings: Partial<HttpBindings> }>().all("*", async (c) => {
    asked.resolve();
    const answer = await app.fetch(c.req.raw, c.env);
    answered.resolve(answer.status);
    return answer;
  });
  const listener = await listenTcp(observed, { host: "127.0.0.1", port: 0 });
  listeners.push(listener);
  const socket = connect(Number(new URL(listener.address).port), "127.0.0.1");
  await once(socket, "connect");
  return { socket, asked: asked.promise, answered: answered.promise, logger };
}

describe("createApp()", () => {
  const wholly = { how: "declared", headers: { "content-length": "500" }, body: "{" };
  const inPieces = { how: "unsaid", headers: { "transfer-encoding": "chunked" }, body: "1\r\n{\r\n" };

  it.each([
    { ...wholly, cut: "destroy" as const },
    { ...wholly, cut: "resetAndDestroy" as const },
    { ...inPieces, cut: "destroy" as const },
    { ...inPieces, cut: "resetAndDestroy" as const },
  ])("logs nothing of a call, its length $how, that its caller cuts by $cut", async ({ headers, body, cut }) => {
    const { socket, asked, answered, logger } = await startAgent({});
    socket.write(head("POST", "/trpc/attempts.start", { "content-type": "application/json", ...headers }) + body);
    await asked;
    socket[cut]();
    expect(await answered).toBe(500);
    expect(logger.lines).toEqual([]);
  });

  it("logs what fails while the caller waits", async () => {
    const error = new TypeError("a fault of ours");
    const { socket, answered, logger } = await startAgent({
      access() {
        throw error;
      },
    });
    socket.write(head("GET", "/metrics"));
    expect(await answered).toBe(500);
    expect(logger.lines).toEqual([["error", "request failed", expect.objectContaining({ path: "/metrics", error })]]);
    socket.destroy();
  });
});
