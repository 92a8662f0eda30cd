import { describe, expect, expectTypeOf, it } from "vitest";
import { type EventBatch, type ServerEvent, type ServerEvents, sseBody } from "../../../../../proxy/http/v2/sse.ts";
import { createManualClock, settle } from "../../jobs/manual-clock.ts";

function setUp(events: ServerEvents) {
  const clock = createManualClock();
  const ends: string[] = [];
  const body = sseBody(events, { clock, keepAliveMs: 15_000, onEnd: () => ends.push("end") });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  return { clock, ends, reader, next: async () => (await reader.read()).value };
}

async function* say(...events: ServerEvent[]): AsyncGenerator<EventBatch, void> {
  for (const event of events) yield [event];
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

  it("tells at once what came at once, and the last of it with the end", async () => {
    async function* ends(): AsyncGenerator<EventBatch, EventBatch> {
      yield [status("queued"), status("running")];
      return [status("output"), status("succeeded")];
    }
    const body = sseBody(ends(), { clock: createManualClock(), keepAliveMs: 15_000, onEnd: () => {} });
    const reader = body.getReader();
    const text = async () => new TextDecoder().decode((await reader.read()).value).match(/"status":"\w+"/g);
    expect(await text()).toEqual(['"status":"queued"', '"status":"running"']);
    expect(await text()).toEqual(['"status":"output"', '"status":"succeeded"']);
    // Closed with that piece: whoever writes it need not come back to learn of the end.
    await expect(Promise.race([reader.closed, Promise.resolve("open")])).resolves.toBeUndefined();
  });

  it("is not to be told nothing, after which its reader would not ask again", () => {
    expectTypeOf<[]>().not.toExtend<EventBatch>();
    expectTypeOf<ServerEvent[]>().not.toExtend<EventBatch>();
    expectTypeOf<[...ServerEvent[], ServerEvent]>().toExtend<EventBatch>();
  });

  it("begins with the events that were waited for", async () => {
    const events = say(status("running"));
    const first = await events.next();
    const body = sseBody(events, { first, clock: createManualClock(), keepAliveMs: 15_000, onEnd: () => {} });
    expect(await new Response(body).text()).toContain("running");
  });

  it("says that it lives while nothing happens, and loses no event over it", async () => {
    const release = Promise.withResolvers<void>();
    async function* late(): AsyncGenerator<EventBatch, void> {
      await release.promise;
      yield [status("running")];
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
    const events: ServerEvents = {
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
    async function* breaks(): AsyncGenerator<EventBatch, undefined> {
      yield [status("running")];
      throw new Error("store gone");
    }
    const { next, ends } = setUp(breaks());
    expect(await next()).toContain("running");
    expect(await next()).toBeUndefined();
    expect(ends).toEqual(["end"]);
  });
});
