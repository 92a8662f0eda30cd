import { describe, expect, it } from "vitest";
import { type Ending, outcomeOf, outcomeWhenGone } from "../../../../agent/attempts/outcome.ts";
import { generationFate } from "../../../../agent/attempts/generation-fate.ts";
import type { ComfyState, PromptLookup } from "../../../../agent/comfy/port.ts";
import { FakeComfyPort } from "../../../support/fake-comfy-port.ts";

const ended = (lookup: PromptLookup, ending: Ending = null, isForgotten = false) => {
  const outcome = outcomeOf({ lookup, ending, isForgotten });
  if (outcome === null) return null;
  return outcome.kind === "failed" ? `failed ${outcome.error.code}` : outcome.kind;
};

describe("outcomeOf()", () => {
  const succeeded: PromptLookup = { status: "succeeded", files: [], texts: [], cachedNodes: [] };
  const refusal = { refusal: { code: "invalid_workflow", message: "half of it" } } as const;
  it.each<[PromptLookup, Ending, string | null]>([
    [{ status: "pending" }, "cancel", null],
    [{ status: "running" }, "timeout", null],
    [succeeded, "cancel", "succeeded"],
    [succeeded, "timeout", "succeeded"],
    [{ status: "interrupted" }, "cancel", "canceled"],
    [{ status: "interrupted" }, "timeout", "failed timeout"],
    [{ status: "interrupted" }, null, "failed canceled"],
    [{ status: "unknown" }, "cancel", "canceled"],
    [{ status: "unknown" }, null, null],
    [{ status: "running" }, refusal, null],
    [{ status: "unknown" }, refusal, "failed invalid_workflow"],
    [{ status: "interrupted" }, refusal, "failed invalid_workflow"],
    [succeeded, refusal, "failed invalid_workflow"],
    [{ status: "failed", error: { code: "out_of_memory", message: "no" } }, refusal, "failed invalid_workflow"],
  ])("of %j with ending %s is %s", (lookup, ending, expected) => expect(ended(lookup, ending)).toBe(expected));

  it("takes a prompt that was unknown for a while for lost", () => {
    expect(ended({ status: "unknown" }, null, true)).toBe("lost");
  });
});

describe("outcomeWhenGone()", () => {
  it("is what was wanted, else lost", () => {
    expect(outcomeWhenGone(null).kind).toBe("lost");
    expect(outcomeWhenGone("cancel").kind).toBe("canceled");
    expect(outcomeWhenGone("timeout")).toMatchObject({ kind: "failed", error: { code: "timeout" } });
  });
});

describe("generationFate()", () => {
  const { status } = new FakeComfyPort();
  const generation = (id: string) => ({ id, clientId: "c", startedAtMs: 0, adopted: false });
  const fate = (state: ComfyState, id: string | null, seenAlive = false) =>
    generationFate("mine", { ...status, state, generation: id === null ? null : generation(id) }, seenAlive);

  it("is alive while the same generation is there, in whatever state", () => {
    expect([fate("ready", "mine"), fate("starting", "mine"), fate("stopping", "mine")]).toEqual(Array(3).fill("alive"));
  });

  it("is gone when another is there, or it was seen and is not any more, or none was adopted", () => {
    expect([fate("ready", "other"), fate("starting", null, true), fate("backoff", null)]).toEqual(
      Array(3).fill("gone"),
    );
  });

  it("is unsure until adoption is decided", () => {
    expect([fate("stopped", null), fate("starting", null)]).toEqual(["unsure", "unsure"]);
  });
});
