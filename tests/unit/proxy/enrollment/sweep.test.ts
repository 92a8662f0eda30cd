import { describe, expect, it } from "vitest";
import { isForgotten } from "../../../../proxy/enrollment/orphans.ts";
import { sweepEnrolments } from "../../../../proxy/enrollment/sweep.ts";
import { shippedPolicy } from "../../../support/tailnet/headscale.ts";
import { newPodId } from "../store/samples.ts";
import { GRACE_MS, joined, setUp } from "./enrollment-fixture.ts";
import { device } from "./fake-control.ts";

const signal = new AbortController().signal;

describe("sweepEnrolments()", () => {
  it("ends an enrolment some time after its key, and no pod that has joined", async () => {
    await using side = await setUp();
    const { pods: [pod] } = await side.enroll();
    const podId = pod?.podId ?? newPodId();
    const other = await joined(side, "42");
    side.db.time.nowMs += 1_000_000;
    await sweepEnrolments(side.options, signal);
    expect(await side.db.store.getPod(podId)).toMatchObject({ phase: "joining" });
    side.db.time.nowMs += 100_000;
    await sweepEnrolments(side.options, signal);
    expect(await side.db.store.getPod(podId)).toMatchObject({ phase: "gone" });
    expect(await side.db.store.getPod(other.id)).toMatchObject({ phase: "joining" });
  });

  it("deletes devices of no pod once they have been away for the grace, and nothing else", async () => {
    await using side = await setUp();
    const { pods: [awaited] } = await side.enroll();
    await joined(side, "1");
    side.db.time.nowMs += 800_000;
    const nowMs = side.db.time.nowMs;
    const old = { createdAtMs: nowMs - 2 * GRACE_MS, lastSeenAtMs: nowMs - GRACE_MS };
    side.control.devices.push(
      device({ id: "1", ...old }),
      device({ id: "2", ...old, hostname: awaited?.name ?? "" }),
      device({ id: "3", ...old, tags: ["tag:edge"] }),
      device({ id: "4", ...old, online: true }),
      device({ id: "5", ...old, lastSeenAtMs: nowMs - GRACE_MS + 1 }),
      device({ id: "6", ...old, tags: ["tag:dev-pod"], online: null }),
      device({ id: "7", ...old }),
    );
    await sweepEnrolments(side.options, signal);
    expect(side.control.devices.map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5"]);
  });
});

describe("isForgotten()", () => {
  it("takes a device for away by what is said of it, and not because nothing is", () => {
    const old = { id: "1", createdAtMs: 0, lastSeenAtMs: null };
    expect(isForgotten(device({ ...old, online: false }), GRACE_MS, GRACE_MS)).toBe(true);
    expect(isForgotten(device({ ...old, online: null }), GRACE_MS, GRACE_MS)).toBe(false);
    expect(isForgotten(device({ ...old, online: null, lastSeenAtMs: 1 }), GRACE_MS, GRACE_MS)).toBe(false);
    expect(isForgotten(device({ ...old, online: null, lastSeenAtMs: 1 }), GRACE_MS + 1, GRACE_MS)).toBe(true);
  });
});

describe("checks()", () => {
  it("names devices that are no pods, and compares the policy with the shipped one", async () => {
    await using side = await setUp();
    side.db.time.nowMs = 10 * GRACE_MS;
    side.control.policyText = shippedPolicy();
    const found = async () => (await side.enrollment.checks(signal)).map(({ name, status }) => `${status} ${name}`);
    expect(await found()).toEqual(["ok control server", "ok policy", "ok devices"]);
    side.control.devices.push(device({ id: "7", hostname: "stray" }));
    side.control.policyText += "// changed\n";
    expect(await found()).toEqual(["ok control server", "warning policy", "warning device stray"]);
    side.control.down = true;
    expect(await found()).toEqual(["failed control server"]);
  });

  it("says that none is configured", async () => {
    await using side = await setUp({ withControl: false });
    expect(await side.enrollment.checks(signal)).toMatchObject([{ name: "control server", status: "skipped" }]);
  });
});
