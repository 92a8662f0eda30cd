import { describe, expect, it } from "vitest";
import { type ServerEvent, sseBody } from "../../../../../proxy/http/v2/sse.ts";
import { createManualClock, settle } from "../../jobs/manual-clock.ts";

function setUp(events: AsyncIterator<ServerEvent, unknown>) {
  const clock = createManualClock();
  const ends: string[] = [];
  const body = sseBody(events, { clock, keepAliveMs: 15_000, onEnd: () => ends.push("end") });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  return { clock, ends, reader, next: async () => (await reader.read()).value };
}

async function* say(...events: ServerEvent[]) {
  yield* events;
}

const status = (name: string) => ({ event: "status", data: { status: name, text: "a\nb" } });

describe("sseBody", () => {
  it("writes an event a frame and ends with them, once", async () => {
    const { next, ends } = setUp(say(status("queued"), status("running")));
    expect(await next()).toBe('event: status\ndata: {"status":"queued","text":"a\\nb"}\n\n');
    expect(await next()).toContain("running");
    expect(await next()).toBeUndefined();
    expect(ends).toEqual(["end"]);
  });

  it("says that it lives while nothing happens, and loses no event over it", async () => {
    const release = Promise.withResolvers<void>();
    async function* late() {
      await release.promise;
      yield status("running");
    }
    const { clock, next } = setUp(late());
    const first = next();
    await clock.advance(15_000);
    expect(await first).toBe(": keep-alive\n\n");
    const second = next();
    await clock.advance(14_999);
    release.resolve();
    expect(await second).toContain("running");
    await settle();
    expect(clock.sleeping()).toBeLessThanOrEqual(1);
  });

  it("frees what it holds when its reader leaves, also while nothing comes", async () => {
    let returned = false;
    const events: AsyncIterator<ServerEvent, unknown> = {
      next: () => new Promise(() => {}),
      return: () => {
        returned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    const { clock, reader, next, ends } = setUp(events);
    void next();
    await settle();
    await reader.cancel();
    await settle();
    expect({ ends, returned, sleeping: clock.sleeping() }).toEqual({ ends: ["end"], returned: true, sleeping: 0 });
  });

  it("ends where the events break", async () => {
    async function* breaks(): AsyncGenerator<ServerEvent> {
      yield status("running");
      throw new Error("store gone");
    }
    const { next, ends } = setUp(breaks());
    expect(await next()).toContain("running");
    expect(await next()).toBeUndefined();
    expect(ends).toEqual(["end"]);
  });
});
