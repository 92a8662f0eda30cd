import { beforeEach, describe, expect, it } from "vitest";
import type { Slot } from "../../../../contracts/agent/messages.ts";
import type { AttemptId, PodId } from "../../../../contracts/ids.ts";
import { createOffers } from "../../../../proxy/pods/offers.ts";
import type { SaidByAgent } from "../../../../proxy/pods/slot-use.ts";
import { attemptId, jobId, podId } from "../jobs/ids.ts";

const POD = podId(1);
const FREE: Slot[] = [{ index: 0, ready: true, attemptId: null }];

const busyWith = (id: AttemptId): Slot[] => [{ index: 0, ready: false, attemptId: id }];
const said = (slots: Slot[], waiting: number[] = []): SaidByAgent => ({
  slots,
  waiting: waiting.map((n) => ({ attemptId: attemptId(n), jobId: jobId(n) })),
});

let freed: PodId[];
let offers: ReturnType<typeof createOffers>;
beforeEach(() => {
  freed = [];
  offers = createOffers((id) => freed.push(id));
});

const begin = (n: number, after: AttemptId | null = null) =>
  offers.begin({ podId: POD, attemptId: attemptId(n), jobId: jobId(n), after });
const freeSlots = (slots: Slot[]) => offers.slotUse(POD, said(slots)).freeSlots;

describe("createOffers()", () => {
  it("takes the slot from the offer until it comes to nothing, and then says so", () => {
    const offer = begin(1);
    expect(freeSlots(FREE)).toBe(0);
    expect(offers.slotUse(podId(2), said(FREE)).freeSlots).toBe(1);
    expect(freed).toEqual([]);
    offer.end();
    expect(freed).toEqual([POD]);
    expect(freeSlots(FREE)).toBe(1);
    expect(offers.hasJob(POD, jobId(1))).toBe(false);
  });

  it("keeps the slot of an accepted offer until the agent's slots name it, and never counts it twice", () => {
    const offer = begin(1);
    offer.accepted();
    offer.end();
    expect(freeSlots(FREE)).toBe(0);
    offers.observe(POD, [attemptId(1)]);
    expect(freeSlots([...FREE, ...busyWith(attemptId(1))])).toBe(1);
    expect(freeSlots(FREE)).toBe(1);
    expect(freed).toEqual([]);
  });

  it("says that a slot is free when an attempt is over that no slot has named", () => {
    begin(1).accepted();
    offers.over(POD, attemptId(1));
    expect(freeSlots(FREE)).toBe(1);
    expect(freed).toEqual([POD]);
    offers.over(POD, attemptId(1));
    expect(freed).toEqual([POD]);
  });

  it("is under way until answered", () => {
    const offer = begin(1);
    expect([...offers.underWay(POD)]).toEqual([attemptId(1)]);
    offer.accepted();
    expect([...offers.underWay(POD)]).toEqual([]);
    expect(offers.hasJob(POD, jobId(1))).toBe(true);
  });

  it("beatBegins() forgets what was accepted before the beat, and nothing that was accepted during it", () => {
    const offer = begin(1);
    const early = offers.beatBegins(POD);
    offer.accepted();
    early();
    expect(freeSlots(FREE)).toBe(0);
    offers.beatBegins(POD)();
    expect(freeSlots(FREE)).toBe(1);
  });
});

describe("slotUse()", () => {
  const use = (slots: Slot[], waiting: number[] = []) => offers.slotUse(POD, said(slots, waiting));

  it("lets one attempt follow whoever has the slot, by the agent's word or by an offer that it has accepted", () => {
    expect(use(FREE).mayFollow).toEqual([]);
    expect(use(busyWith(attemptId(1)))).toEqual({ freeSlots: 0, mayFollow: [attemptId(1)], ahead: [] });
    const offer = begin(1);
    expect(use(FREE).mayFollow).toEqual([]);
    offer.accepted();
    expect(use(FREE)).toEqual({ freeSlots: 0, mayFollow: [attemptId(1)], ahead: [] });
  });

  it("takes the place behind a run from the offer, and shows it as waiting once the agent has it", () => {
    const second = begin(2, attemptId(1));
    expect(use(busyWith(attemptId(1)))).toEqual({ freeSlots: 0, mayFollow: [], ahead: [] });
    second.accepted();
    expect(use(busyWith(attemptId(1)))).toMatchObject({
      mayFollow: [],
      ahead: [{ attemptId: attemptId(2), jobId: jobId(2) }],
    });
    second.end();
    expect(use(busyWith(attemptId(1))).mayFollow).toEqual([]);
  });

  it("gives the slot to the look-ahead when the run before it is over, before the agent says so", () => {
    begin(1).accepted();
    begin(2, attemptId(1)).accepted();
    expect(use(FREE).ahead).toHaveLength(1);
    offers.over(POD, attemptId(1));
    expect(use(FREE)).toEqual({ freeSlots: 0, mayFollow: [attemptId(2)], ahead: [] });
    offers.over(POD, attemptId(2));
    expect(use(FREE)).toEqual({ freeSlots: 1, mayFollow: [], ahead: [] });
  });

  it("counts what an earlier edge has sent ahead, of which no offer tells", () => {
    expect(use(busyWith(attemptId(1)), [2])).toEqual({
      freeSlots: 0,
      mayFollow: [],
      ahead: [{ attemptId: attemptId(2), jobId: jobId(2) }],
    });
    // The run is over, and the agent has not named the next one yet.
    expect(use(FREE, [2]).freeSlots).toBe(0);
  });

  it("does not take an offer for waiting that the slots name, or that has a slot of its own", () => {
    begin(1).accepted();
    expect(use(FREE, [1])).toEqual({ freeSlots: 0, mayFollow: [attemptId(1)], ahead: [] });
    expect(use(busyWith(attemptId(1)), [1])).toEqual({ freeSlots: 0, mayFollow: [attemptId(1)], ahead: [] });
  });

  it("keeps the slots of a pod with several apart", () => {
    const slots = [...busyWith(attemptId(1)), { index: 1, ready: false, attemptId: attemptId(2) }];
    begin(3, attemptId(1)).accepted();
    expect(use(slots).mayFollow).toEqual([attemptId(2)]);
    expect(use(slots, [9]).mayFollow).toEqual([]);
  });
});
