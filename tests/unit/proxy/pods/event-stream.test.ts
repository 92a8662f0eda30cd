import { describe, expect, it } from "vitest";
import { singleConnection, type StreamSink } from "../../../../proxy/pods/event-stream.ts";
import { createManualClock, settle } from "../jobs/manual-clock.ts";

function setUp() {
  const clock = createManualClock();
  const stop = new AbortController();
  let sink: StreamSink | null = null;
  let isOpen = true;
  const events = singleConnection({
    open(given) {
      sink = given;
      return { unsubscribe: () => (isOpen = false) };
    },
    parse: String,
    clock,
    firstEventMs: 10_000,
    silenceMs: 35_000,
    signal: stop.signal,
  });
  const told: string[] = [];
  async function read(): Promise<void> {
    for await (const event of events) told.push(event);
  }
  const ended = read().then(() => null, (error: unknown) => error);
  return { clock, told, ended, stop, tell: (value: string) => sink?.data(value, 1), isOpen: () => isOpen };
}

describe("singleConnection()", () => {
  it("waits for the first event as long as it is told to, and leaves no timer behind", async () => {
    const { clock, ended, isOpen } = setUp();
    await clock.advance(9_999);
    expect(isOpen()).toBe(true);
    await clock.advance(1);
    expect(await ended).toMatchObject({ code: "timeout", message: expect.stringContaining("first event") });
    expect([isOpen(), clock.sleeping()]).toEqual([false, 0]);
  });

  it("keeps one timer from the first event on, however many come, until it is silent for too long", async () => {
    const { clock, told, ended, tell } = setUp();
    for (let count = 1; count <= 4; count++) {
      tell(String(count));
      await clock.advance(20_000);
      expect(clock.sleeping()).toBe(1);
    }
    expect(told).toEqual(["1", "2", "3", "4"]);
    await clock.advance(14_999);
    expect(clock.sleeping()).toBe(1);
    await clock.advance(1);
    expect(await ended).toMatchObject({ code: "timeout", message: expect.stringContaining("silent") });
    expect(clock.sleeping()).toBe(0);
  });

  it("leaves no timer behind when its signal aborts", async () => {
    const { clock, ended, stop, tell, isOpen } = setUp();
    tell("1");
    await settle();
    stop.abort(new Error("left"));
    expect(await ended).toMatchObject({ message: "left" });
    expect([isOpen(), clock.sleeping()]).toEqual([false, 0]);
  });
});
