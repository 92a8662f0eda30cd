import { describe, expect, it } from "vitest";
import type { ComfyState } from "../../../../agent/comfy/port.ts";
import { assertComfyTransition, COMFY_TRANSITIONS } from "../../../../agent/comfy/state.ts";

const STATES = Object.keys(COMFY_TRANSITIONS) as ComfyState[];

describe("assertComfyTransition()", () => {
  it("allows the table and nothing else", () => {
    for (const from of STATES) {
      for (const to of STATES) {
        const step = () => assertComfyTransition(from, to);
        if (COMFY_TRANSITIONS[from].includes(to)) expect(step).not.toThrow();
        else expect(step).toThrow(`Cannot move ComfyUI from ${from} to ${to}`);
      }
    }
  });

  it("never goes from ready to starting: a restart always says why in backoff", () => {
    expect(COMFY_TRANSITIONS.ready).toEqual(["backoff", "stopping"]);
  });

  it("reaches stopped from every state", () => {
    for (const from of STATES) {
      const reached = new Set<ComfyState>([from]);
      for (const state of reached) for (const next of COMFY_TRANSITIONS[state]) reached.add(next);
      expect([...reached], from).toContain("stopped");
    }
  });
});
