import { describe, expect, it } from "vitest";
import { createJoinedWith } from "../../../../proxy/tailnet/joined-with.ts";
import { device, fakeControl } from "../enrollment/fake-control.ts";
import { createManualClock, settle } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";

function setUp() {
  const clock = createManualClock();
  const control = fakeControl(clock.nowMs);
  const seen = { asked: 0, hanging: false, canceled: 0 };
  const joinedWith = createJoinedWith({
    ...{ clock, logger: silentLogger },
    control: {
      listDevices(signal) {
        seen.asked += 1;
        if (!seen.hanging) return control.listDevices(signal);
        signal.addEventListener("abort", () => seen.canceled += 1);
        return new Promise(() => {});
      },
    },
  });
  return { clock, control, seen, joinedWith, signal: new AbortController().signal };
}

describe("createJoinedWith()", () => {
  it("answers what the control server says, and asks once for all that are on its list", async () => {
    const { control, seen, joinedWith, signal } = setUp();
    control.devices = [
      device({ id: "n1", joinedWith: { keyId: "k1" } }),
      device({ id: "n2", joinedWith: { keyId: "k2" } }),
    ];
    expect([await joinedWith("n1", signal), await joinedWith("n2", signal)]).toEqual(["k1", "k2"]);
    expect(seen.asked).toBe(1);
    control.devices.push(device({ id: "n3", joinedWith: { keyId: "k3" } }));
    expect(await joinedWith("n3", signal)).toBe("k3");
    expect(seen.asked).toBe(2);
  });

  it("answers null where nobody says: no control server, no such device, a control server that tells no keys", async () => {
    const { clock, control, joinedWith, signal } = setUp();
    control.devices = [device({ id: "n1", joinedWith: "untold" })];
    expect(await joinedWith("n1", signal)).toBeNull();
    expect(await joinedWith("n2", signal)).toBeNull();
    const alone = createJoinedWith({ control: null, clock, logger: silentLogger });
    expect(await alone("n1", signal)).toBeNull();
  });

  it("answers with a key that is nobody's for a node that joined without one", async () => {
    const { control, joinedWith, signal } = setUp();
    control.devices = [device({ id: "n1", joinedWith: "no-key" })];
    expect(await joinedWith("n1", signal)).toBe("");
  });

  it("waits three seconds for an answer, and for half a minute not again", async () => {
    const { clock, control, seen, joinedWith, signal } = setUp();
    control.devices = [device({ id: "n1", joinedWith: { keyId: "k1" } })];
    seen.hanging = true;
    let answer: string | null | undefined;
    void joinedWith("n1", signal).then((found) => (answer = found));
    await clock.advance(2_900);
    expect(answer).toBeUndefined();
    await clock.advance(200);
    expect([answer, seen.canceled]).toEqual([null, 1]);
    seen.hanging = false;
    expect([await joinedWith("n1", signal), seen.asked]).toEqual([null, 1]);
    await clock.advance(30_000);
    expect([await joinedWith("n1", signal), seen.asked]).toEqual(["k1", 2]);
  });

  it("answers null from a control server that fails, and rejects when the edge stops", async () => {
    const { control, seen, joinedWith } = setUp();
    control.down = true;
    expect(await joinedWith("n1", new AbortController().signal)).toBeNull();
    const other = setUp();
    other.seen.hanging = true;
    const stop = new AbortController();
    const asked = expect(other.joinedWith("n1", stop.signal)).rejects.toThrow("stopping");
    await settle();
    stop.abort(new Error("stopping"));
    await asked;
    expect(seen.asked).toBe(1);
  });
});
