// What is left on the disk of the pod when jobs choose their own file names, and when ComfyUI is started anew.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Workflow } from "../../../contracts/workflow.ts";
import { AgentProcess, killAndWait, until } from "./agent-process.ts";
import { finalReport, newAttemptId, order } from "./orders.ts";

let agent: AgentProcess | null = null;
afterEach(async () => {
  await agent?.[Symbol.asyncDispose]();
  agent = null;
});

/** Saves under a name that another node computes, so that the agent cannot give it a folder. */
const LINKED: Workflow = {
  "1": { class_type: "EmptyImage", inputs: { width: 16, height: 16, batch_size: 1, color: 77 } },
  "2": { class_type: "PrimitiveString", inputs: { value: "linked/name" } },
  "3": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: ["2", 0] } },
};

describe("a supervised ComfyUI's output folder", () => {
  it("is empty after a job with a linked filename_prefix, and the same job finds its outputs again", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const output = join(agent.stateDir, "comfy/output");
    for (let round = 0; round < 2; round++) {
      const start = order(LINKED);
      await agent.client.attempts.start.mutate(start);
      expect(await finalReport(agent, start.attemptId)).toMatchObject({
        state: "succeeded",
        outputs: [{ name: "name_00001_.png" }],
      });
      const files = () => readdirSync(output, { recursive: true }).filter((name) => String(name).endsWith(".png"));
      await until(() => (files().length === 0 ? true : null), () => String(files()));
    }
  });

  it("loses what is nobody's at the next launch, and keeps the folders of attempts", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const output = join(agent.stateDir, "comfy/output");
    const attempt = join(output, newAttemptId());
    mkdirSync(attempt);
    mkdirSync(join(output, "somebody"));
    writeFileSync(join(output, "somebody/a.png"), "x");
    const pid = agent.comfyPid();
    await killAndWait(pid);
    await agent.replaced(pid);
    expect([existsSync(join(output, "somebody")), existsSync(attempt)]).toEqual([false, true]);
  });
});
