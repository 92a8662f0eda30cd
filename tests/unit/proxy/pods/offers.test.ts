import { describe, expect, it } from "vitest";
import type { Slot } from "../../../../contracts/agent/messages.ts";
import { createOffers } from "../../../../proxy/pods/offers.ts";
import { attemptId, jobId, podId } from "../jobs/ids.ts";

const POD = podId(1);
const ATTEMPT = attemptId(1);
const FREE: Slot[] = [{ index: 0, ready: true, attemptId: null }];
const BUSY: Slot[] = [{ index: 0, ready: true, attemptId: ATTEMPT }];

function offered() {
  const offers = createOffers();
  return { offers, offer: offers.begin({ podId: POD, attemptId: ATTEMPT, jobId: jobId(1) }) };
}

describe("createOffers()", () => {
  it("takes the slot from the offer until it comes to nothing", () => {
    const { offers, offer } = offered();
    expect(offers.freeSlots(POD, FREE)).toBe(0);
    expect(offers.freeSlots(podId(2), FREE)).toBe(1);
    offer.end();
    expect(offers.freeSlots(POD, FREE)).toBe(1);
    expect(offers.hasJob(POD, jobId(1))).toBe(false);
  });

  it("keeps the slot of an accepted offer until the agent mentions it, and never counts it twice", () => {
    const { offers, offer } = offered();
    offer.accepted();
    offer.end();
    expect(offers.freeSlots(POD, FREE)).toBe(0);
    offers.observe(POD, [ATTEMPT]);
    expect(offers.freeSlots(POD, [...FREE, ...BUSY])).toBe(1);
    expect(offers.freeSlots(POD, FREE)).toBe(1);
  });

  it("is under way until answered", () => {
    const { offers, offer } = offered();
    expect([...offers.underWay(POD)]).toEqual([ATTEMPT]);
    offer.accepted();
    expect([...offers.underWay(POD)]).toEqual([]);
    expect(offers.hasJob(POD, jobId(1))).toBe(true);
  });

  it("beatBegins() forgets what was accepted before the beat, and nothing that was accepted during it", () => {
    const { offers, offer } = offered();
    const early = offers.beatBegins(POD);
    offer.accepted();
    early();
    expect(offers.freeSlots(POD, FREE)).toBe(0);
    offers.beatBegins(POD)();
    expect(offers.freeSlots(POD, FREE)).toBe(1);
  });
});
