/** The test suites. Each is a project, so that `vitest run --project unit` and the commands in tests/run agree on what it is. */
import { defineConfig } from "vitest/config";

interface SuiteOptions {
  name: string;
  include: string[];
  testTimeoutMs: number;
  /** Suites that start whole fleets run one file at a time: two cores cannot time more than one of them honestly. */
  oneFileAtATime?: boolean;
  /** Beside the check of the tool chain. */
  globalSetup?: string[];
}

function suite({ name, include, testTimeoutMs, oneFileAtATime = false, globalSetup = [] }: SuiteOptions) {
  return {
    test: {
      name,
      include,
      testTimeout: testTimeoutMs,
      hookTimeout: testTimeoutMs,
      fileParallelism: !oneFileAtATime,
      globalSetup: ["tests/run/check-toolchain.ts", ...globalSetup],
    },
  };
}

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
        testTimeoutMs: 60_000,
        oneFileAtATime: true,
      }),
      suite({ name: "sdk", include: ["tests/sdk/**/*.test.ts"], testTimeoutMs: 90_000, oneFileAtATime: true }),
      suite({ name: "browser", include: ["tests/browser/**/*.test.ts"], testTimeoutMs: 60_000, oneFileAtATime: true }),
      suite({ name: "gpu", include: ["tests/gpu/**/*.test.ts"], testTimeoutMs: 300_000, oneFileAtATime: true }),
      suite({
        name: "tailnet",
        include: ["tests/tailnet/**/*.test.ts"],
        testTimeoutMs: 60_000,
        oneFileAtATime: true,
        globalSetup: ["tests/support/tailnet/namespace.ts"],
      }),
      suite({ name: "real", include: ["tests/real/**/*.test.ts"], testTimeoutMs: 180_000, oneFileAtATime: true }),
    ],
  },
});
