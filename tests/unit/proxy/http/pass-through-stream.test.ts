import { describe, expect, it } from "vitest";
import { systemClock } from "../../../../proxy/time/clock.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { setUp } from "./pass-through-fixture.ts";

/** Server-sent events that come when the test says so. */
function events() {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const seen = { canceled: false };
  const body = new ReadableStream<Uint8Array>({
    start: (started) => void (controller = started),
    cancel: () => void (seen.canceled = true),
  });
  return {
    seen,
    say: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    break: () => controller.error(new Error("the agent is gone")),
    response: new Response(body, { headers: { "content-type": "text/event-stream", "set-cookie": "a=b" } }),
  };
}

describe("the pass-through of a stream", () => {
  it("brings events as they come, and lets go of the pod when its caller leaves", async () => {
    const stream = events();
    const { get } = setUp(() => stream.response);
    const response = await get("comfy.followLogs");
    expect(response.headers.get("set-cookie")).toBeNull();
    const reader = response.body?.getReader();
    stream.say("data: 1\n\n");
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("data: 1\n\n");
    await reader?.cancel();
    expect(stream.seen.canceled).toBe(true);
  });

  it("ends, without breaking, when the edge stops or the agent is gone", async () => {
    for (const end of ["stop", "break"] as const) {
      const stream = events();
      const { get, stop } = setUp(() => stream.response);
      const text = (await get("comfy.followLogs")).text();
      stream.say("data: 1\n\n");
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (end === "stop") stop.abort();
      else stream.break();
      expect(await text).toBe("data: 1\n\n");
      expect(stream.seen.canceled).toBe(end === "stop");
    }
  });

  it("ends within five seconds of the key's revocation, as the edge's own streams do", async () => {
    const stream = events();
    let active = true;
    const slept: number[] = [];
    const clock = {
      ...systemClock(),
      sleep: async (ms: number, signal: AbortSignal) => {
        // Whose stream has fallen silent is another test's.
        if (ms === 35_000) {
          return await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        }
        slept.push(ms);
        await new Promise((resolve) => setImmediate(resolve));
        if (signal.aborted) return;
      },
    };
    const { get } = setUp(() => stream.response, { isActive: () => Promise.resolve(active), clock, answerMs: 9_999 });
    const response = await get("comfy.followLogs");
    active = false;
    expect(await response.text()).toBe("");
    expect(stream.seen.canceled).toBe(true);
    expect(Math.max(...slept.filter((ms) => ms !== 9_999))).toBeLessThanOrEqual(1_500);
  });

  it("ends when the pod is not heard for 35 s, and lets go of it", async () => {
    const stream = events();
    const clock = createManualClock();
    const { get } = setUp(() => stream.response, { clock });
    const text = (await get("comfy.followLogs")).text();
    let over = false;
    void text.then(() => (over = true));
    stream.say("data: 1\n\n");
    await clock.advance(34_900);
    // A keep-alive is a word too.
    stream.say("event: ping\n\n");
    await clock.advance(34_900);
    expect([over, stream.seen.canceled]).toEqual([false, false]);
    await clock.advance(200);
    expect(await text).toBe("data: 1\n\nevent: ping\n\n");
    expect(stream.seen.canceled).toBe(true);
    expect(clock.sleeping()).toBe(0);
  });

  it("waits for a caller that reads slowly, and for bytes that are no events", async () => {
    const stream = events();
    const clock = createManualClock();
    const { get } = setUp(() => stream.response, { clock });
    const reader = (await get("comfy.followLogs")).body?.getReader();
    stream.say("data: 1\n\n");
    await clock.advance(120_000);
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("data: 1\n\n");
    expect(stream.seen.canceled).toBe(false);
    await reader?.cancel();

    const bytes = events();
    const plain = setUp(() => new Response(bytes.response.body, { headers: { "content-type": "application/json" } }), {
      clock,
    });
    const text = (await plain.get("comfy.status")).text();
    bytes.say("late");
    await clock.advance(120_000);
    bytes.end();
    expect(await text).toBe("late");
  });
});
