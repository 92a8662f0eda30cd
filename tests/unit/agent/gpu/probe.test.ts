import { describe, expect, it } from "vitest";
import { GpuSample } from "../../../../contracts/agent/gpu.ts";
import { H100, L40S, without } from "../../../support/gpu/kinds.ts";
import { SECOND } from "./judge.ts";
import { lineOf } from "./rows.ts";
import { INTERVAL_MS, startScripted } from "./scripted-smi.ts";

describe("the probe", () => {
  it("asks for the fields that this nvidia-smi has, in a loop, and reads its rows", async () => {
    const probe = await startScripted(without(L40S, "gpu_recovery_action"));
    const { args } = probe.loop();
    expect(args.slice(1)).toEqual(["--format=csv,noheader,nounits", "-lms", "5000"]);
    expect(args[0]).toContain("index,uuid,pci.bus_id");
    expect(args[0]).not.toContain("gpu_recovery_action");
    expect(await probe.gpu.sample()).toEqual({ sampledAt: null, gpus: [], problem: null });
    await probe.round();
    expect(probe.gpu.current.state).toBe("healthy");
    const sample = await probe.gpu.sample();
    expect(GpuSample.parse(sample)).toEqual(sample);
    expect(sample).toMatchObject({ problem: null, gpus: [{ name: "NVIDIA L40S", recoveryAction: null }] });
  });

  it("takes the rows of one round together, and one that comes alone as a GPU that is gone", async () => {
    const probe = await startScripted(H100);
    const round = async (...gpus: Record<string, string>[]) => {
      for (const cells of gpus) probe.loop().say(lineOf(H100, { ...H100.load, ...cells }));
      await probe.clock.advance(INTERVAL_MS);
    };
    await round({}, SECOND);
    expect((await probe.gpu.sample()).gpus.map(({ index }) => index)).toEqual([0, 1]);
    await round(SECOND);
    await round(SECOND);
    expect(probe.gpu.current).toMatchObject({ state: "unhealthy", reasons: [{ code: "gpu_missing" }] });
    // Two rounds that come at once, as after a pause of the agent, are two.
    for (const cells of [{}, SECOND, {}, SECOND]) probe.loop().say(lineOf(H100, { ...H100.load, ...cells }));
    await probe.clock.advance(INTERVAL_MS);
    expect((await probe.gpu.sample()).gpus.map(({ index }) => index)).toEqual([0, 1]);
  });

  it("drops a field that is refused after all, at once and without a word", async () => {
    const probe = await startScripted(L40S);
    const first = probe.loop();
    first.say('Field "pstate" is not a valid field to query.');
    first.end({ code: 2 });
    await probe.clock.advance(0);
    expect(probe.loops).toHaveLength(2);
    expect(probe.loop().args[0]).toBe(first.args[0]?.replace("pstate,", ""));
    expect((await probe.gpu.verdict()).reasons).toMatchObject([{ code: "probe_starting" }]);
  });

  it("starts it anew with a pause that doubles up to a minute", async () => {
    const probe = await startScripted(L40S);
    const pauses: number[] = [];
    for (let time = 0; time < 9; time += 1) {
      probe.loop().end({ code: 1 });
      const before = probe.loops.length;
      let pauseMs = 0;
      while (probe.loops.length === before) {
        await probe.clock.advance(500);
        pauseMs += 500;
      }
      pauses.push(pauseMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(probe.gpu.current).toMatchObject({ state: "unknown", reasons: [{ code: "probe_failed" }] });
    expect((await probe.gpu.sample()).problem).toBe("nvidia-smi ended with code 1.");
  });

  it("without the program: unknown with the reason, and looks again", async () => {
    const probe = await startScripted(L40S);
    probe.help.answer = (run) => run.end({ error: { code: "ENOENT", message: "Cannot run nvidia-smi: spawn ENOENT" } });
    probe.loop().end({ code: 0 });
    await probe.clock.advance(1_000);
    expect(probe.loops).toHaveLength(1);
    expect(probe.gpu.current).toMatchObject({ state: "unknown", action: "none", reasons: [{ code: "smi_missing" }] });
    expect(probe.gpu.current.reasons[0]?.detail).toContain("AGENT_NVIDIA_SMI");
    const warnings = () => probe.lines.filter(({ message }) => message === "GPU verdict changed").length;
    const before = warnings();
    await probe.clock.advance(600_000);
    expect(warnings()).toBe(before);
  });

  it("kills it after three intervals of silence: hung, healed by three samples of the next", async () => {
    const probe = await startScripted(L40S);
    await probe.round();
    const first = probe.loop();
    await probe.clock.advance(2 * INTERVAL_MS - 1);
    expect([first.killed, probe.gpu.current.state]).toEqual([false, "healthy"]);
    await probe.clock.advance(1_001);
    expect(first.killed).toBe(true);
    expect(probe.gpu.current).toMatchObject({
      state: "unhealthy",
      action: "replace_pod",
      reasons: [{ code: "probe_hung", detail: "nvidia-smi has brought no row for 16 s." }],
    });
    await probe.clock.advance(1_000);
    expect(probe.loops).toHaveLength(2);
    await probe.round();
    await probe.round();
    expect(probe.gpu.current.state).toBe("unhealthy");
    await probe.round();
    expect(probe.gpu.current.state).toBe("healthy");
  });

  it("gives the first row of a cold driver longer", async () => {
    const probe = await startScripted(L40S);
    await probe.clock.advance(45_000);
    expect(probe.loop().killed).toBe(false);
    await probe.clock.advance(1_000);
    expect(probe.loop().killed).toBe(true);
    expect(probe.gpu.current.reasons).toMatchObject([{ code: "probe_hung" }]);
  });

  it("reads the rows that wait in the pipe before it calls it hung", async () => {
    const probe = await startScripted(L40S);
    await probe.round();
    // The agent itself was frozen: time has passed, and the rows come right after.
    void probe.clock.sleep(2 * INTERVAL_MS + 1).then(() => probe.loop().say(lineOf(L40S, L40S.load)));
    await probe.clock.advance(2 * INTERVAL_MS + 2_000);
    expect([probe.loop().killed, probe.gpu.current.state]).toEqual([false, "healthy"]);
  });

  it("never starts a second one beside one that cannot be killed", async () => {
    const probe = await startScripted(L40S);
    probe.mortal = false;
    await probe.round();
    await probe.clock.advance(600_000);
    expect(probe.loops).toHaveLength(1);
    expect(probe.gpu.current).toMatchObject({ state: "unhealthy", reasons: [{ code: "probe_hung" }] });
    expect((await probe.gpu.sample()).problem).toContain("not even SIGKILL");
    probe.loop().end({ signal: "SIGKILL" });
    await probe.clock.advance(60_000);
    expect(probe.loops).toHaveLength(2);
  });

  it("counts help that never comes as a hang", async () => {
    const probe = await startScripted(L40S);
    probe.help.answer = () => undefined;
    probe.loop().end({ code: 0 });
    await probe.clock.advance(1_000 + 30_000);
    expect(probe.gpu.current.reasons).toMatchObject([{ code: "probe_hung" }]);
  });

  it("hears of one bad GPU among others while the rows of the others go on", async () => {
    const probe = await startScripted(H100);
    probe.loop().say("Unable to determine the device handle for GPU 0000:02:00.0: Unknown Error");
    await probe.round();
    expect(probe.gpu.current).toMatchObject({ state: "unhealthy", reasons: [{ code: "gpu_lost" }] });
    expect(probe.loop().ended).toBe(false);
  });

  it("takes a loop that says words instead of rows by its words", async () => {
    const probe = await startScripted(L40S);
    for (let round = 0; round < 12; round += 1) {
      probe.loops[0]?.say("Failed to initialize NVML: Unknown Error");
      await probe.clock.advance(INTERVAL_MS);
    }
    expect(probe.loops[0]?.killed).toBe(true);
    expect(probe.gpu.current.reasons).toMatchObject([{ code: "nvml_unknown_error" }]);
  });

  it("tells its listeners of changes only, and stop() ends the process", async () => {
    const probe = await startScripted(L40S);
    const states: string[] = [];
    probe.gpu.onVerdict(({ state }) => states.push(state));
    for (let round = 0; round < 10; round += 1) await probe.round();
    await probe.round({ ...L40S.load, gpu_recovery_action: "Reboot" });
    expect(states).toEqual(["healthy", "unhealthy"]);
    const stopped = probe.gpu.stop();
    await probe.clock.advance(0);
    await stopped;
    expect(probe.loop().killed).toBe(true);
    await probe.clock.advance(600_000);
    expect(probe.loops).toHaveLength(1);
  });

  it("stop() gives up on a process that cannot be killed", async () => {
    const probe = await startScripted(L40S);
    probe.mortal = false;
    const stopped = probe.gpu.stop();
    await probe.clock.advance(5_000);
    await stopped;
    expect(probe.gpu.current.reasons).toMatchObject([{ code: "probe_starting" }]);
  });
});
