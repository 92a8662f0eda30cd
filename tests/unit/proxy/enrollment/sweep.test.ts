import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { SHIPPED_POLICY_SHA256 } from "../../../../contracts/tailnet/policy.ts";
import { isForgotten } from "../../../../proxy/enrollment/orphans.ts";
import { keepSweepingEnrolments, sweepEnrolments } from "../../../../proxy/enrollment/sweep.ts";
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

  it("deletes devices of this fleet that are no pod once they have been away for the grace, and nothing else", async () => {
    await using side = await setUp();
    const { pods: [awaited, removed] } = await side.enroll(2);
    await side.remove(removed?.podId ?? newPodId());
    await joined(side, "1");
    const graceMs = 400_000;
    const createdAtMs = side.db.time.nowMs;
    side.db.time.nowMs += 800_000;
    const nowMs = side.db.time.nowMs;
    const own = { createdAtMs, lastSeenAtMs: nowMs - graceMs, joinedWith: { keyId: side.keyOf(removed) } };
    side.control.devices.push(
      device({ ...own, id: "1" }),
      device({ ...own, id: "2", hostname: awaited?.name ?? "" }),
      device({ ...own, id: "3", tags: ["tag:edge"] }),
      device({ ...own, id: "4", online: true }),
      device({ ...own, id: "5", lastSeenAtMs: nowMs - graceMs + 1 }),
      device({ ...own, id: "6", tags: ["tag:dev-pod"], online: null }),
      device({ ...own, id: "7" }),
    );
    await sweepEnrolments({ ...side.options, orphanGraceMs: graceMs }, signal);
    expect(side.control.devices.map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("deletes nothing that joined with another fleet's key, whatever it is called", async () => {
    await using side = await setUp();
    const { pods: [removed] } = await side.enroll();
    const { name = "", podId = newPodId() } = removed ?? {};
    const { createdAtMs = 0, endsAtMs = 0 } = await side.db.store.getEnrolment(podId) ?? {};
    await side.remove(podId);
    side.db.time.nowMs += 3 * GRACE_MS;
    const another = { keyId: "another's" };
    const ours = { keyId: side.keyOf(removed) };
    const [earliest, latest] = [createdAtMs - 120_000, endsAtMs + 120_000];
    side.control.devices.push(
      device({ id: "1", joinedWith: another }),
      device({ id: "2", joinedWith: another, hostname: name }),
      device({ id: "3", joinedWith: "no-key", hostname: name }),
      // Headscale counts its keys: another one has the same ids, at another time.
      device({ id: "4", joinedWith: ours, hostname: name, createdAtMs: earliest - 1 }),
      device({ id: "5", joinedWith: ours, hostname: name, createdAtMs: latest + 1 }),
      // Tailscale does not say which key it was.
      device({ id: "6", joinedWith: "untold" }),
      device({ id: "7", joinedWith: "untold", hostname: name, createdAtMs: latest + 1 }),
      device({ id: "8", joinedWith: "untold", hostname: name }),
      device({ id: "9", joinedWith: ours, createdAtMs: earliest }),
      device({ id: "10", joinedWith: ours, createdAtMs: latest }),
    );
    const fixes = (await side.enrollment.checks(signal)).filter(({ name }) => name.startsWith("device "));
    expect(fixes.map(({ fix }) => fix?.startsWith("It is deleted once"))).toEqual([
      ...Array.from({ length: 7 }, () => false),
      ...[true, true, true],
    ]);
    await sweepEnrolments(side.options, signal);
    expect(side.control.devices.map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
  });

  it("looks as often as the grace where that is short, and takes nothing for new any longer than that", async () => {
    await using side = await setUp();
    const options = { ...side.options, orphanGraceMs: 2_000 };
    const { pods: [removed] } = await side.enroll();
    await side.remove(removed?.podId ?? newPodId());
    const at = side.db.time.nowMs;
    side.control.devices.push(
      device({
        id: "1",
        joinedWith: { keyId: side.keyOf(removed) },
        createdAtMs: at - 2_000,
        lastSeenAtMs: at - 2_000,
      }),
    );
    const stop = new AbortController();
    const sweeping = keepSweepingEnrolments(options, stop.signal);
    await side.clock.advance(2_200);
    await vi.waitFor(() => expect(side.control.devices).toEqual([]));
    stop.abort();
    await sweeping;
  });
});

describe("isForgotten()", () => {
  it("takes a device for away by what is said of it, and not because nothing is", () => {
    const old = { id: "1", createdAtMs: 0, lastSeenAtMs: null };
    const after = (moreMs: number) => ({ nowMs: GRACE_MS + moreMs, graceMs: GRACE_MS });
    expect(isForgotten(device({ ...old, online: false }), after(0))).toBe(true);
    expect(isForgotten(device({ ...old, online: null }), after(0))).toBe(false);
    expect(isForgotten(device({ ...old, online: null, lastSeenAtMs: 1 }), after(0))).toBe(false);
    expect(isForgotten(device({ ...old, online: null, lastSeenAtMs: 1 }), after(1))).toBe(true);
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
    const policy = (await side.enrollment.checks(signal)).find(({ name }) => name === "policy");
    const inForce = createHash("sha256").update(side.control.policyText).digest("hex");
    expect(policy?.message).toContain(`SHA-256 ${inForce}; shipped: ${SHIPPED_POLICY_SHA256.headscale}`);
    side.control.down = true;
    expect(await found()).toEqual(["failed control server"]);
  });

  it("says that none is configured", async () => {
    await using side = await setUp({ withControl: false });
    const checks = await side.enrollment.checks(signal);
    expect(checks).toMatchObject([
      { name: "control server", status: "skipped" },
      { name: "policy", status: "skipped" },
    ]);
    for (const sha256 of Object.values(SHIPPED_POLICY_SHA256)) expect(checks[1]?.message).toContain(sha256);
  });
});
