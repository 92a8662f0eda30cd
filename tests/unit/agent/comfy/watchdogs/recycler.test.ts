import { describe, expect, it } from "vitest";
import { createRecycler } from "../../../../../agent/comfy/watchdogs/recycler.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";

const CAUSE = { reason: "MemoryLimit" as const, message: "It is tired." };

function setUp() {
  const clock = createVirtualClock();
  const life = new AbortController();
  const heard: (string | null)[] = [];
  const state = { prompts: 1, answers: true };
  const recycler = createRecycler({
    clock,
    everyMs: 500,
    countPrompts: () => state.answers ? Promise.resolve(state.prompts) : Promise.reject(new Error("silent")),
    onChange: (cause) => heard.push(cause?.reason ?? null),
    end: ({ reason }) => heard.push(`ended: ${reason}`),
    signal: life.signal,
  });
  return { clock, heard, life, recycler, state };
}

describe("Recycler", () => {
  it("request() says why at once, and ends ComfyUI only after two idle looks in a row", async () => {
    const { clock, heard, recycler, state } = setUp();
    const done = recycler.request(CAUSE);
    await clock.advance(60_000);
    expect([heard, recycler.isBusy]).toEqual([["MemoryLimit"], true]);
    state.prompts = 0;
    await clock.advance(500);
    state.answers = false;
    await clock.advance(500);
    state.answers = true;
    await clock.advance(500);
    expect(heard).toEqual(["MemoryLimit"]);
    await clock.advance(500);
    await done;
    expect([heard, recycler.isBusy]).toEqual([["MemoryLimit", "ended: MemoryLimit"], false]);
  });

  it("request() lets ComfyUI help itself once it is idle", async () => {
    const { clock, heard, recycler, state } = setUp();
    let tries = 0;
    const done = recycler.request(CAUSE, () => Promise.resolve(++tries > 0));
    await clock.advance(5_000);
    expect(tries).toBe(0);
    state.prompts = 0;
    await clock.advance(1_000);
    await done;
    expect([heard, tries]).toEqual([["MemoryLimit", null], 1]);
  });

  it("request() is one at a time, and over when ComfyUI ends by itself", async () => {
    const { clock, heard, life, recycler } = setUp();
    const first = recycler.request(CAUSE);
    await recycler.request({ reason: "SocketDeaf", message: "" });
    life.abort();
    await clock.advance(1_000);
    await first;
    expect(heard).toEqual(["MemoryLimit"]);
  });
});
