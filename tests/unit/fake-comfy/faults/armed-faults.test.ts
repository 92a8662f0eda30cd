import { describe, expect, it } from "vitest";
import { ArmedFaults } from "../../../../fake-comfy/faults/armed-faults.ts";
import { parseMoment } from "../../../../fake-comfy/faults/moment.ts";

function surface() {
  const calls: string[] = [];
  const faults = new ArmedFaults({
    exit: (code) => calls.push(`exit ${code}`),
    kill: () => calls.push("kill"),
    dropSockets: () => calls.push("drop"),
    logError: (message) => calls.push(message),
    port: 1234,
    address: "127.0.0.1",
  });
  return { calls, faults };
}

const node = { nodeId: "2", classType: "SaveImage", promptId: "p" };

describe("parseMoment()", () => {
  it("parseMoment() reads every form and nothing else", () => {
    expect(parseMoment(null)).toEqual({ kind: "now" });
    expect(parseMoment("node:7")).toEqual({ kind: "node", nodeId: "7" });
    expect(parseMoment("250ms")).toEqual({ kind: "after", delayMs: 250 });
    expect([parseMoment("node:"), parseMoment("soon")]).toEqual([null, null]);
  });
});

describe("ArmedFaults", () => {
  it("armText() refuses unknown names and arguments", () => {
    const { faults } = surface();
    expect(() => faults.armText("tired")).toThrow('Cannot arm the fault "tired"');
    expect(() => faults.armText("exit-at-start=900")).toThrow("is not an exit code");
    expect(() => faults.armText("port-in-use=1")).toThrow("takes no argument");
    expect(faults.any).toBe(false);
  });

  it("ready() strikes what is to happen now, and what is armed later strikes at once", () => {
    const { faults, calls } = surface();
    faults.armText("crash");
    expect(calls).toEqual([]);
    faults.ready();
    faults.armText("drop-socket=now");
    expect(calls).toEqual(["kill", "drop"]);
  });

  it("nodeStarts() strikes only at the named node", async () => {
    const { faults, calls } = surface();
    faults.armText("crash=node:2");
    await faults.nodeStarts({ ...node, nodeId: "1" });
    expect(calls).toEqual([]);
    await faults.nodeStarts(node);
    expect(calls).toEqual(["kill"]);
  });

  it("beforeRequest() waits under hang until the fault is cleared", async () => {
    const { faults } = surface();
    faults.armText("hang");
    let answered = false;
    const request = faults.beforeRequest().then(() => answered = true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(answered).toBe(false);
    faults.clear("hang");
    await request;
    expect(answered).toBe(true);
  });

  it("passes() drops terminal messages under lost-terminal-event and lets others through", () => {
    const { faults } = surface();
    faults.armText("lost-terminal-event");
    const kept = [
      { type: "executing", data: { node: null } },
      { type: "execution_success", data: {} },
      { type: "executing", data: { node: "1" } },
      { type: "status", data: {} },
    ].filter((message) => faults.passes(message));
    expect(kept.map(({ type }) => type)).toEqual(["executing", "status"]);
  });
});
