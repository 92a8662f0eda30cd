import { describe, expect, it } from "vitest";
import { createEvictions } from "../../../../../agent/comfy/attached/evictions.ts";
import type { PromptLookup } from "../../../../../agent/comfy/port.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";
import { comfyUnavailable } from "../../../../support/fake-comfy-port.ts";

const CAUSE = { reason: "CancelNotObeyed" as const, message: "it went on" };

function setUp() {
  const clock = createVirtualClock();
  const comfy = { answer: { status: "running" } as PromptLookup | null, canceled: [] as string[] };
  const changes: string[][] = [];
  const evictions = createEvictions({
    api: {
      lookup: () => comfy.answer === null ? Promise.reject(comfyUnavailable()) : Promise.resolve(comfy.answer),
      cancel: (promptId) => Promise.resolve(void comfy.canceled.push(promptId)),
    },
    clock,
    everyMs: 1_000,
    onChange: () => changes.push([...evictions.promptIds]),
  });
  return { clock, comfy, changes, evictions };
}

describe("createEvictions()", () => {
  it("cancels again and again until ComfyUI no longer has the prompt, whether it answers or not", async () => {
    const { clock, comfy, changes, evictions } = setUp();
    evictions.start();
    evictions.add("a", CAUSE);
    await clock.advance(2_500);
    expect([evictions.promptIds, evictions.cause, comfy.canceled]).toEqual([["a"], CAUSE, ["a", "a", "a"]]);
    comfy.answer = null;
    await clock.advance(10_000);
    expect(evictions.promptIds).toEqual(["a"]);
    comfy.answer = { status: "interrupted" };
    await clock.advance(1_000);
    expect([evictions.cause, changes]).toEqual([null, [["a"], []]]);
  });

  it("waits for its start, and cancels nothing that is over by then", async () => {
    const { clock, comfy, evictions } = setUp();
    evictions.add("a", CAUSE);
    await clock.advance(5_000);
    expect(evictions.promptIds).toEqual(["a"]);
    comfy.answer = { status: "unknown" };
    evictions.start();
    await clock.advance(0);
    expect([evictions.promptIds, comfy.canceled]).toEqual([[], []]);
  });

  it("holds what it held over a stop, and forgets all of a ComfyUI that is gone", async () => {
    const { clock, comfy, evictions } = setUp();
    evictions.start();
    evictions.add("a", CAUSE);
    await clock.advance(0);
    evictions.stop();
    await clock.advance(5_000);
    expect([evictions.promptIds, comfy.canceled]).toEqual([["a"], ["a"]]);
    evictions.forget();
    expect(evictions.promptIds).toEqual([]);
  });
});
