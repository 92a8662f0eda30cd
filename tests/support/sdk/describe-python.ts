/** Cases of pytest against a stage of each runtime, each reported as a case of its own. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../fleet/fleet.ts";
import { ensureEnvironment, type PythonEnvironment, whyNoPython } from "../python/environment.ts";
import { collectCases, type PytestRun, runCases } from "./pytest-run.ts";
import { type CuttingRelay, startRelay } from "./relay.ts";
import { serveStage, type StageServer } from "./stage-server.ts";
import { type Stage, startStage } from "./stage.ts";

const OUR_CASES = fileURLToPath(new URL("../../sdk/python", import.meta.url));
const CASE_TIMEOUT_MS = 90_000;

export interface PythonCases {
  title: string;
  /** Below `tests/sdk/python`, or in the SDK's source package where `inSource` is set. */
  path: string;
  inSource?: boolean;
  /** Settings of the edge and the agents. */
  env?: Record<string, string>;
}

function placeOf({ path, inSource = false }: PythonCases, environment: PythonEnvironment) {
  const cwd = inSource ? environment.source : OUR_CASES;
  if (cwd === null) throw new Error("the environment has no source package");
  return { python: environment.python, cwd, path };
}

/**
 * Call it at the top level of a test file, awaited. Where there is no Python, it is one skipped case that says why; with
 * `CI` set it fails.
 */
export async function describePython(cases: PythonCases): Promise<void> {
  const reason = process.env.CI ? null : await whyNoPython();
  if (reason !== null) {
    describe(cases.title, () => it.skip(reason, () => {}));
    return;
  }
  const place = placeOf(cases, await ensureEnvironment("sdk"));
  const names = await collectCases({ ...place, env: { COMFY_BASE_URL: "http://127.0.0.1:1", COMFY_API_KEY: "none" } });

  describe.each(EDGE_RUNTIMES)(`${cases.title}, with the edge on %s`, (runtime) => {
    let stage: Stage;
    let relay: CuttingRelay;
    let server: StageServer;
    let run: PytestRun;
    beforeAll(async () => {
      stage = await startStage({ runtime, ...(cases.env ? { env: cases.env } : {}) });
      relay = await startRelay(stage.target.baseUrl);
      server = await serveStage(stage, relay);
      const env = {
        COMFY_BASE_URL: relay.baseUrl,
        COMFY_API_KEY: stage.target.apiKey,
        STAGE_URL: server.url,
        READER_KEY: await stage.keyWith(["jobs:read"]),
      };
      run = runCases({ ...place, env });
    });
    afterAll(async () => {
      for (const one of [run, server, relay, stage]) await one?.[Symbol.asyncDispose]();
    });

    it.each(names)("%s", { timeout: CASE_TIMEOUT_MS + 5_000 }, async (name) => {
      expect(await run.result(name, CASE_TIMEOUT_MS)).toEqual({ outcome: "passed", detail: expect.any(String) });
    });
  });
}
