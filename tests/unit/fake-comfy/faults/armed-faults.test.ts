import { describe, expect, it } from "vitest";
import { ArmedFaults } from "../../../../fake-comfy/faults/armed-faults.ts";
import { HeldMemory } from "../../../../fake-comfy/memory.ts";
import type { PromptAges } from "../../../../fake-comfy/queue/prompt-ages.ts";
import type { SocketFaults } from "../../../../fake-comfy/socket/socket-faults.ts";
import { parseMoment } from "../../../../fake-comfy/faults/moment.ts";

function surface() {
  const calls: string[] = [];
  const ages = new Map<string, PromptAges>();
  const faults = new ArmedFaults({
    exit: (code) => calls.push(`exit ${code}`),
    kill: () => calls.push("kill"),
    freeze: (ms) => calls.push(`freeze ${ms}`),
    sockets: new Proxy({} as SocketFaults, {
      get: (_target, name) => () => {
        calls.push(String(name));
        return () => calls.push(`end of ${String(name)}`);
      },
    }),
    memory: new HeldMemory(),
    pathOf: ({ filename }) => filename,
    agesOf: (promptId) => ages.get(promptId) ?? null,
    logError: (message) => calls.push(message),
    port: 1234,
    address: "127.0.0.1",
  });
  return { ages, calls, faults };
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
    expect(calls).toEqual(["kill", "dropAll"]);
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

  it.each([
    ["zombie-worker", "quickly"],
    ["lost-cancel", "some"],
    ["empty-history", "start"],
    ["empty-history", "end:soon"],
    ["oom", "now"],
    ["freeze", "run"],
    ["freeze", "now:10ms"],
    ["slow-validation", "slow"],
    ["ram-leak", "all"],
  ])("armText() refuses %s=%s", (name, argument) => {
    const { faults } = surface();
    expect(() => faults.armText(`${name}=${argument}`)).toThrow(`Cannot arm the fault "${name}"`);
  });

  it("losesCancel() counts, and a fault armed anew counts anew", () => {
    const { faults } = surface();
    faults.armText("lost-cancel=2");
    expect([faults.losesCancel(), faults.losesCancel(), faults.losesCancel()]).toEqual([true, true, false]);
    faults.armText("lost-cancel");
    expect([faults.losesCancel(), faults.losesCancel()]).toEqual([true, false]);
    faults.armText("lost-cancel=all");
    expect(Array.from({ length: 20 }, () => faults.losesCancel())).not.toContain(false);
  });

  it("forgets() a prompt only in its gap", () => {
    const { ages, faults } = surface();
    ages.set("new", { takenMs: 100, begunMs: null, endedMs: null });
    ages.set("running", { takenMs: 900, begunMs: 100, endedMs: null });
    ages.set("over", { takenMs: 900, begunMs: 800, endedMs: 100 });
    const forgotten = (argument: string) => {
      faults.armText(`empty-history=${argument}`);
      return ["new", "running", "over", "never seen"].filter((id) => faults.forgets(id));
    };
    expect(forgotten("submit:500ms")).toEqual(["new"]);
    expect(forgotten("run:500ms")).toEqual(["running"]);
    expect(forgotten("end:500ms")).toEqual(["over"]);
    expect(forgotten("end:50ms")).toEqual([]);
    expect(forgotten("submit:ever")).toEqual(["new", "running", "over"]);
  });

  it("nodeStarts() fails every node once the CUDA context is poisoned", async () => {
    const { faults } = surface();
    faults.armText("poisoned-cuda=node:2");
    await faults.nodeStarts({ ...node, nodeId: "1" });
    const poisoned = { type: "torch.AcceleratorError", message: expect.stringContaining("illegal memory access") };
    await expect(faults.nodeStarts(node)).rejects.toMatchObject(poisoned);
    await expect(faults.nodeStarts({ ...node, nodeId: "1" })).rejects.toMatchObject(poisoned);
  });

  it("a fault that lasts ends when it is cleared", async () => {
    const { calls, faults } = surface();
    faults.ready();
    faults.armText("stuck-delivery");
    expect(calls).toEqual(["pause"]);
    faults.clear("stuck-delivery");
    await Promise.resolve();
    expect(calls).toEqual(["pause", "end of pause"]);
  });
});
