/** A caller's partner key through edge, agent and ComfyUI: it reaches its node, and nothing that is kept or shown. */
import { DatabaseSync } from "node:sqlite";
import { Buffer } from "node:buffer";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JobId, typeidOf } from "../../contracts/ids.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { slow } from "../support/fleet/workflows.ts";
import { digestOf, filesWith, KEY, probeGraph } from "../support/partner-key.ts";
import { callV2, finalV2, outputText, submitV2 } from "../support/v2-jobs.ts";

const extraData = { api_key_comfy_org: KEY };
const FORMS = [KEY, Buffer.from(KEY).toString("base64"), Buffer.from(KEY).toString("base64url")];

describe.each(EDGE_RUNTIMES)("a partner key through an edge on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    const standInArgs = ["--partner-node", "--step-ms", "20"];
    fleet = await startTestFleet({ runtime, standInArgs, env: { LOG_LEVEL: "debug" } });
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  /** Everything that either of them has written; what ComfyUI's nodes print is in ComfyUI's own file. */
  const filesWithKey = () => filesWith(fleet.dataDir, FORMS).filter((path) => !path.endsWith("comfyui.log"));

  function sealedKeys(): number {
    const database = new DatabaseSync(join(fleet.dataDir, "edge/edge.db"), { readOnly: true });
    try {
      return Number(database.prepare("select count(*) as n from job_secret").get()?.["n"]);
    } finally {
      database.close();
    }
  }

  /** What anybody may ask about the job, at the edge and at the agent's ComfyUI. */
  async function allSaid(uuid: string): Promise<string> {
    const jobId = JobId.parse(typeidOf("job", uuid));
    const { trpc } = fleet.client;
    const events: unknown[] = [];
    for await (const event of trpc.jobs.watch.subscribe({ jobId })) events.push(event);
    const paths = ["", "/workflow", "/events"].map((part) => `/jobs/${uuid}${part}`);
    const texts = await Promise.all([...paths, "/jobs"].map(async (path) => (await callV2(fleet, path)).text()));
    const comfy = await Promise.all(["/history", "/queue", "/api/jobs"].map(async (path) => {
      return await (await fetch(`${fleet.comfyUrl}${path}`, { signal: AbortSignal.timeout(5_000) })).text();
    }));
    const job = await trpc.jobs.get.query({ jobId });
    return JSON.stringify([job, events, texts, comfy]);
  }

  it("reaches its node, and no other job's", async () => {
    const job = await finalV2(fleet, (await submitV2(fleet, probeGraph("digest"), extraData)).id);
    expect(job).toMatchObject({ status: "succeeded", error: null });
    expect(await outputText(job)).toBe(digestOf(KEY));
    const without = await finalV2(fleet, (await submitV2(fleet, probeGraph("digest"))).id);
    expect(await outputText(without)).toBe(digestOf(""));
    const said = await allSaid(job.id);
    expect(said).toContain(job.id);
    expect(said).not.toContain(KEY);
    // The look itself works: the job is in the files in which the key is looked for.
    const jobId = JobId.parse(typeidOf("job", job.id));
    await until("every file that tells of the job", () => {
      const names = filesWith(fleet.dataDir, [jobId]).map((path) => basename(path).replace(/-wal$/, ""));
      return ["edge.db", "journal.db", "edge.log", "agent.log"].every((name) => names.includes(name)) || null;
    });
    expect(filesWithKey()).toEqual([]);
    expect(sealedKeys()).toBe(0);
  });

  it("is sealed in the database while its job waits, also over a kill of the edge", async () => {
    const first = await submitV2(fleet, slow(60));
    const { id } = await submitV2(fleet, probeGraph("digest"), extraData);
    expect(sealedKeys()).toBe(1);
    expect(filesWithKey()).toEqual([]);
    expect(await (await callV2(fleet, `/jobs/${id}/workflow`)).text()).not.toContain(KEY);
    await fleet.edge.kill();
    fleet.edge.start();
    await fleet.waitReady();
    expect((await finalV2(fleet, first.id)).status).toBe("succeeded");
    expect(await outputText(await finalV2(fleet, id))).toBe(digestOf(KEY));
    expect(sealedKeys()).toBe(0);
  });

  it("survives the agent: its job is queued again, and the key is sent once more", async () => {
    const running = await submitV2(fleet, slow(100), extraData);
    await until("the job to run", async () => {
      const { status } = JSON.parse(
        await (await callV2(fleet, `/jobs/${running.id}`, {
          headers: { authorization: `Bearer ${fleet.apiKey}`, prefer: "wait=0" },
        })).text(),
      );
      return status === "running" || null;
    });
    process.kill(fleet.comfyPid(), "SIGKILL");
    await fleet.agent.kill();
    fleet.agent.start();
    const { id } = await submitV2(fleet, probeGraph("digest"), extraData);
    expect((await finalV2(fleet, running.id)).status).toBe("succeeded");
    expect(await outputText(await finalV2(fleet, id))).toBe(digestOf(KEY));
    expect(filesWithKey()).toEqual([]);
  });

  it("is taken out of what a node says that fails with it, and of the pod's log", async () => {
    const job = await finalV2(fleet, (await submitV2(fleet, probeGraph("raise"), extraData)).id);
    expect(job.status).toBe("failed");
    expect(job.error?.message).toContain("the key is [redacted]");
    await finalV2(fleet, (await submitV2(fleet, probeGraph("print"), extraData)).id);
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    const log = await until("the printed line", async () => {
      const path = `/pods/${pod?.id}/trpc/comfy.logs?input=${encodeURIComponent(JSON.stringify({ json: {} }))}`;
      const headers = { authorization: `Bearer ${fleet.apiKey}` };
      const text = await (await fetch(`${fleet.baseUrl}${path}`, { headers })).text();
      return text.includes("the key is [redacted]") ? text : null;
    });
    expect(log).not.toContain(KEY);
    expect(await (await callV2(fleet, `/jobs/${job.id}`)).text()).not.toContain(KEY);
    expect(filesWithKey()).toEqual([]);
  });

  it("is repeated by no refusal", async () => {
    const wrong = [
      { api_key_comfy_org: `${KEY}${"x".repeat(1_000)}` },
      { api_key_comfy_org: KEY, other: KEY },
      { api_key_comfy_org: [KEY] },
      KEY,
    ];
    for (const extra_data of wrong) {
      const body = JSON.stringify({ workflow: probeGraph("digest"), extra_data });
      const response = await callV2(fleet, "/jobs", { method: "POST", body });
      expect(response.status).toBe(422);
      const text = await response.text();
      // The name of a field that is not known may be said; its value may not.
      expect(text).not.toContain(KEY);
    }
    const graph = { "1": { class_type: "NoSuchNode", inputs: {} } };
    const refused = await callV2(fleet, "/jobs", {
      method: "POST",
      body: JSON.stringify({ workflow: graph, extra_data: extraData }),
    });
    expect(refused.status).toBe(422);
    expect(await refused.text()).not.toContain(KEY);
    expect(filesWithKey()).toEqual([]);
    expect(sealedKeys()).toBe(0);
  });
});
