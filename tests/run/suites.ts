/** The suites by name, and which run at once. vitest.config.ts says which files belong to which. */

/** Vitest projects with a deadline. `filters` narrow them to paths that contain one of the texts. */
export interface Suite {
  name: string;
  /** A name, or a pattern with `*`: the files of such projects as may run at once go first, the others one by one. */
  project: string;
  filters?: readonly string[];
  deadlineMs: number;
  env?: Readonly<Record<string, string>>;
  /** Whatever the project says of its files. */
  oneFileAtATime?: true;
  /** A command that runs the runner, which is appended to it. */
  within?: readonly string[];
}

const minute = 60_000;

/** Fast suites: pure code and single processes. */
export const quickSuites: readonly Suite[] = [
  { name: "unit", project: "unit", deadlineMs: 4 * minute },
  { name: "contract", project: "contract", deadlineMs: 8 * minute },
];

/** Both official SDKs against the fleet; the Python one's cases are skipped, with the reason, where there is no Python. */
export const sdkSuite: Suite = { name: "sdk", project: "sdk*", deadlineMs: 20 * minute };

/** Suites that run at once, because they mostly wait. */
export type AtOnce = readonly Suite[];

/** Everything that needs nothing beyond npm; the browser's is skipped, with its reason, where there is no Chromium. */
export const npmSuites: readonly AtOnce[] = [
  quickSuites,
  [{ name: "lint", project: "lint", deadlineMs: 5 * minute }],
  [{ name: "pack", project: "pack", deadlineMs: 8 * minute }],
  [
    { name: "e2e", project: "e2e", deadlineMs: 20 * minute },
    { name: "e2e of faults and up", project: "e2e-faults", deadlineMs: 20 * minute },
  ],
  [{ name: "e2e alone", project: "e2e-alone", deadlineMs: 12 * minute }],
  [{ name: "browser", project: "browser", deadlineMs: 5 * minute }],
  [sdkSuite],
];

/** Suites that need a real ComfyUI on CPU; they set one up in a cache folder where none is given. */
export const realSuites: readonly Suite[] = [
  {
    name: "conformance on real ComfyUI",
    project: "contract",
    filters: ["tests/contract/comfy/"],
    deadlineMs: 8 * minute,
    env: { COMFY_TARGET: "real" },
  },
  { name: "real", project: "real", deadlineMs: 14 * minute },
  {
    name: "sdk on real ComfyUI",
    project: "sdk",
    filters: ["tests/sdk/shared/"],
    // Two real ComfyUIs compute for each.
    oneFileAtATime: true,
    deadlineMs: 20 * minute,
    env: { COMFY_TARGET: "real" },
  },
];

/** Real tailscaled and headscale, each suite in a network namespace of its own, which `tests/run/test-tailnet.ts` makes. */
export const tailnetSuites: readonly AtOnce[] = [
  [
    { name: "tailnet", project: "tailnet", deadlineMs: 15 * minute },
    { name: "tailnet faults", project: "tailnet-faults", deadlineMs: 15 * minute },
    { name: "tailnet machines", project: "tailnet-machines", deadlineMs: 15 * minute },
  ],
  [{ name: "tailnet alone", project: "tailnet-alone", deadlineMs: 10 * minute }],
];

/** Suites that need a GPU: no part of `npm test`. */
export const gpuSuites: readonly Suite[] = [{ name: "gpu", project: "gpu", deadlineMs: 20 * minute }];
