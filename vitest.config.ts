/** The test suites. Each is a project, so that `vitest run --project unit` and the commands in tests/run agree on what it is. */
import { defineConfig } from "vitest/config";

interface SuiteOptions {
  name: string;
  include: string[];
  exclude?: string[];
  testTimeoutMs: number;
  /** For files that take the same ports, or that time or measure something. @default two files at once */
  oneFileAtATime?: boolean;
  /** Beside the check of the tool chain. */
  globalSetup?: string[];
}

function suite(options: SuiteOptions) {
  const { name, include, exclude = [], testTimeoutMs, oneFileAtATime = false, globalSetup = [] } = options;
  return {
    test: {
      name,
      include,
      exclude,
      testTimeout: testTimeoutMs,
      hookTimeout: testTimeoutMs,
      fileParallelism: !oneFileAtATime,
      globalSetup: ["tests/run/check-toolchain.ts", ...globalSetup],
    },
  };
}

const namespaced = { oneFileAtATime: true, globalSetup: ["tests/support/tailnet/namespace.ts"] };

/**
 * Half of the end-to-end files, which run beside the others: those of faults, which wait, and those that start `up`, of which
 * no two may run at once, because it looks for its pod's ports from 8188 on.
 */
const faultsAndUp = ["agent-faults/*", "faults*", "cli", "cli-demo", "cli-up*", "json-ends", "up-*"]
  .map((name) => `tests/e2e/${name}.test.ts`);

/** They compute as fast as they can, measure an edge's memory, or time its stop: on two cores nothing may run beside them. */
const alone = {
  e2e: ["bad-input-*", "bench-smoke", "comfy-api-v2", "comfy-api-v2-jobs", "events", "lifecycle", "pod-calls", "tracing"]
    .map((name) => `tests/e2e/${name}.test.ts`),
  sdk: ["bench", "held", "large-files"].map((name) => `tests/sdk/stand-in/${name}.test.ts`),
  tailnet: ["bench", "jobs", "many"].map((name) => `tests/tailnet/${name}.test.ts`),
};

/** They wait for minutes and compute little, so each of these runs beside the rest, in a network of its own. */
const waiting = { faults: ["tests/tailnet/faults-*.test.ts"], machines: ["tests/tailnet/machines.test.ts"] };

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      suite({ name: "unit", include: ["tests/unit/**/*.test.ts"], testTimeoutMs: 10_000 }),
      suite({ name: "contract", include: ["tests/contract/**/*.test.ts"], testTimeoutMs: 30_000 }),
      suite({ name: "lint", include: ["tests/lint/*.test.ts"], testTimeoutMs: 60_000, oneFileAtATime: true }),
      suite({ name: "pack", include: ["tests/pack/*.test.ts"], testTimeoutMs: 180_000, oneFileAtATime: true }),
      suite({
        name: "e2e",
        include: ["tests/e2e/**/*.test.ts"],
        exclude: [...faultsAndUp, ...alone.e2e],
        testTimeoutMs: 60_000,
        oneFileAtATime: true,
      }),
      suite({ name: "e2e-faults", include: faultsAndUp, testTimeoutMs: 60_000, oneFileAtATime: true }),
      suite({ name: "e2e-alone", include: alone.e2e, testTimeoutMs: 60_000, oneFileAtATime: true }),
      suite({ name: "sdk", include: ["tests/sdk/**/*.test.ts"], exclude: alone.sdk, testTimeoutMs: 90_000 }),
      suite({ name: "sdk-alone", include: alone.sdk, testTimeoutMs: 90_000, oneFileAtATime: true }),
      suite({ name: "browser", include: ["tests/browser/**/*.test.ts"], testTimeoutMs: 60_000, oneFileAtATime: true }),
      suite({ name: "gpu", include: ["tests/gpu/**/*.test.ts"], testTimeoutMs: 300_000, oneFileAtATime: true }),
      suite({
        ...{ name: "tailnet", include: ["tests/tailnet/**/*.test.ts"], testTimeoutMs: 60_000, ...namespaced },
        exclude: [...waiting.faults, ...waiting.machines, ...alone.tailnet],
      }),
      suite({ name: "tailnet-faults", include: waiting.faults, testTimeoutMs: 60_000, ...namespaced }),
      suite({ name: "tailnet-machines", include: waiting.machines, testTimeoutMs: 60_000, ...namespaced }),
      suite({ name: "tailnet-alone", include: alone.tailnet, testTimeoutMs: 60_000, ...namespaced }),
      suite({ name: "real", include: ["tests/real/**/*.test.ts"], testTimeoutMs: 180_000, oneFileAtATime: true }),
    ],
  },
});
