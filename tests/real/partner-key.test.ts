// A caller's partner key through the edge and the agent to a node of a real ComfyUI, which needs no weights and no network.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES, type TestFleet, until } from "../support/fleet/fleet.ts";
import { digestOf, filesWith, KEY, probeGraph } from "../support/partner-key.ts";
import { startRealFleet } from "../support/real-comfy/fleet.ts";
import { copyPartnerNode } from "../support/real-comfy/start.ts";
import { finalV2, outputText, submitV2 } from "../support/v2-jobs.ts";

const extraData = { api_key_comfy_org: KEY };

describe.each(EDGE_RUNTIMES)("a partner key through an edge on %s to a real ComfyUI", (runtime) => {
  const nodes = mkdtempSync(join(tmpdir(), "partner-node-"));
  let fleet: TestFleet;
  beforeAll(async () => {
    const flags = await copyPartnerNode(nodes);
    const config = join(nodes, "paths.yaml");
    writeFileSync(config, `tests:\n  custom_nodes: ${nodes}\n`);
    fleet = await startRealFleet({ runtime, args: [...flags, "--extra-model-paths-config", config] });
  });
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]();
    rmSync(nodes, { recursive: true, force: true });
  });

  it("reaches the node whose hidden input it is, and no other job's", async () => {
    const job = await finalV2(fleet, (await submitV2(fleet, probeGraph("digest"), extraData)).id);
    expect(await outputText(job)).toBe(digestOf(KEY));
    const without = await finalV2(fleet, (await submitV2(fleet, probeGraph("digest"))).id);
    expect(await outputText(without)).toBe(digestOf(""));
  });

  it("is in no error, though ComfyUI tells the inputs of a node that fails, and in no file but ComfyUI's log", async () => {
    const job = await finalV2(fleet, (await submitV2(fleet, probeGraph("raise"), extraData)).id);
    expect(job.error?.message).toContain("the key is [redacted]");
    await until("the agent to make ComfyUI forget the run", async () => {
      const history = await (await fetch(`${fleet.comfyUrl}/history`, { signal: AbortSignal.timeout(5_000) })).text();
      return history.includes(KEY) ? null : true;
    });
    expect(filesWith(fleet.dataDir, [KEY]).filter((path) => !path.endsWith("comfyui.log"))).toEqual([]);
  });
});
