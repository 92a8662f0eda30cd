// A real nvidia-smi: what it says is parsed, judged, and kept under .tmp/gpu-recordings to become fixtures.
import { spawn } from "node:child_process";
import { afterAll, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../agent/comfy/clock.ts";
import { GpuService } from "../../agent/gpu/gpu-service.ts";
import { smiEnvironment } from "../../agent/gpu/smi/environment.ts";
import { failureOfExit, refusedField } from "../../agent/gpu/smi/failure.ts";
import { chooseColumns, parseFieldHelp } from "../../agent/gpu/smi/fields.ts";
import { parseRow } from "../../agent/gpu/smi/parse-row.ts";
import { smiStarter } from "../../agent/gpu/smi/process.ts";
import { createSilentLogger, type RecordedLine } from "../support/comfy/silent-logger.ts";
import { named, NVIDIA_SMI, record, runSmi, whyNoGpu } from "../support/gpu/real-gpu.ts";

const reason = whyNoGpu();

describe.skipIf(reason !== null)(named("a real nvidia-smi", reason), () => {
  const lines: RecordedLine[] = [];
  let gpu: GpuService | null = null;
  afterAll(async () => await gpu?.stop());

  it("lists the fields that are wanted, and its rows are read with all of them", () => {
    const help = runSmi("--help-query-gpu");
    const columns = chooseColumns(parseFieldHelp(help.stdout));
    record("help-query-gpu", help);
    expect(help.code).toBe(0);
    expect(columns.length).toBeGreaterThan(20);
    const names = columns.map(({ name }) => name).join(",");
    const rows = runSmi(`--query-gpu=${names}`, "--format=csv,noheader,nounits");
    record("query-gpu", { names, ...rows });
    expect(rows.code).toBe(0);
    const read = rows.stdout.trim().split("\n").map((line) => parseRow(line, columns));
    record("readings", read);
    expect(read.length).toBeGreaterThan(0);
    for (const row of read) {
      expect(row).toMatchObject({
        gone: null,
        reading: { index: expect.any(Number), uuid: expect.stringMatching(/^GPU-/) },
      });
      expect(row?.reading.memoryTotalBytes).toBeGreaterThan(1e9);
      expect(row?.reading.temperatureC).toBeGreaterThan(0);
    }
  });

  it("refuses a field that it does not know in the words that are expected", () => {
    const refused = runSmi("--query-gpu=index,no.such.field", "--format=csv,noheader,nounits");
    record("unknown-field", refused);
    expect(refused.code).not.toBe(0);
    expect(refusedField([...refused.stdout.split("\n"), ...refused.stderr.split("\n")])).toBe("no.such.field");
  });

  it("says that there is no such GPU in words, or with a code, that mean no_devices to us", () => {
    const missing = runSmi("-i", "63", "--query-gpu=index", "--format=csv,noheader,nounits");
    record("no-such-gpu", missing);
    const words = [...missing.stdout.split("\n"), ...missing.stderr.split("\n")];
    expect(missing.code).not.toBe(0);
    expect(failureOfExit({ code: missing.code, signal: null, error: null }, words).code).toBe("no_devices");
  });

  it("is judged in its loop, and the process ends with the probe", async () => {
    const started: number[] = [];
    const spawnCounted: typeof spawn = ((...args: Parameters<typeof spawn>) => {
      const child = spawn(...args);
      started.push(child.pid ?? 0);
      return child;
    }) as typeof spawn;
    gpu = new GpuService({
      startSmi: smiStarter({ path: NVIDIA_SMI, env: smiEnvironment(process.env), spawn: spawnCounted }),
      clock: systemClock,
      random: Math.random,
      logger: createSilentLogger(lines),
      intervalMs: 1_000,
    });
    gpu.start();
    const service = gpu;
    await vi.waitFor(() => expect(service.current.state).not.toBe("unknown"), { timeout: 60_000, interval: 100 });
    record("verdict", service.current);
    record("sample", await service.sample());
    expect(["healthy", "degraded"]).toContain(service.current.state);
    await service.stop();
    expect(started).toHaveLength(2);
    for (const pid of started) expect(() => process.kill(pid, 0)).toThrow();
  });
});
