// POST /prompt: what is accepted, what is read, the order of the queue, and refusals that are not about the graph.
import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failingGraph, imageGraph, slowGraph } from "./graphs.ts";
import { capture } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import {
  call,
  cancel,
  filesOf,
  getJob,
  PLAIN_500,
  post,
  run,
  settle,
  submit,
  waitForEnd,
  waitForStatus,
} from "./wire.ts";

const accepted = z.strictObject({ prompt_id: z.string(), number: z.number(), node_errors: z.strictObject({}) });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function describePrompt(target: Target): void {
  describe("POST /prompt", () => {
    it("answers the id that was sent, a number that grows, and no node errors", async () => {
      const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
      const first = accepted.parse(
        (await post(target.server(), "/prompt", { prompt: imageGraph(), prompt_id: one })).json,
      );
      const second = accepted.parse(
        (await post(target.server(), "/api/prompt", { prompt: imageGraph(), prompt_id: two })).json,
      );
      expect([first.prompt_id, second.prompt_id]).toEqual([one, two]);
      expect(second.number).toBe(first.number + 1);
      expect((await waitForEnd(target.server(), two)).status).toBe("completed");
    });

    it.each([[{}], [{ prompt_id: null }]])("mints an id when there is none: %j", async (extra) => {
      const answer = await post(target.server(), "/prompt", { prompt: imageGraph(), ...extra });
      expect(accepted.parse(answer.json).prompt_id).toMatch(UUID);
    });

    it.each(["not-a-uuid", "", "0A1B2C3D-0000-4000-8000-000000000000", "0a1b2c3d00004000800000000000000", 7])(
      "answers 400 invalid_prompt_id for %j",
      async (prompt_id) => {
        const answer = await post(target.server(), "/prompt", { prompt: imageGraph(), prompt_id });
        expect(answer.status).toBe(400);
        expect(answer.json).toMatchObject({ error: { type: "invalid_prompt_id", extra_info: {} }, node_errors: {} });
      },
    );

    it("answers 400 no_prompt without a prompt", async () => {
      const answer = await post(target.server(), "/prompt", { client_id: "somebody" });
      expect(answer.status).toBe(400);
      expect(answer.json).toEqual({
        error: { type: "no_prompt", message: "No prompt provided", details: "No prompt provided", extra_info: {} },
        node_errors: {},
      });
    });

    it.each([
      ["broken JSON", "{"],
      ["an array as prompt", { prompt: [1, 2] }],
      ["the format of the editor", { prompt: { nodes: [], links: [], version: 0.4 } }],
      ["a number that is none", { prompt: imageGraph(), number: "soon" }],
    ])("answers 500 in plain text for %s", async (_name, body) => {
      const answer = await post(target.server(), "/prompt", body);
      expect([answer.status, answer.text]).toEqual([500, PLAIN_500]);
      expect(answer.headers.get("content-type")).toContain("text/plain");
    });

    it("answers 413 in plain text for a body over the limit", async () => {
      const answer = await post(target.server(), "/prompt", { prompt: imageGraph(), filler: "x".repeat(1024 * 1024) });
      expect([answer.status, answer.text]).toEqual([413, "Maximum request body size 1048576 exceeded."]);
    });

    it("converts values to the input's type and ignores inputs that the node does not have", async () => {
      const graph = imageGraph();
      Object.assign(graph["1"]?.inputs ?? {}, { width: "8", height: 8.9, batch_size: true, unknown: "ignored" });
      const job = await run(target.server(), graph);
      expect([job.status, filesOf(job, "2").length]).toEqual(["completed", 1]);
    });

    it("runs only partial_execution_targets", async () => {
      const graph = { ...imageGraph(), "3": { class_type: "PreviewImage", inputs: { images: ["1", 0] } } };
      const job = await run(target.server(), graph, { partial_execution_targets: ["3"] });
      expect(Object.keys(job.outputs ?? {})).toEqual(["3"]);
    });

    it("runs lower numbers first: number, then front, then the order of arrival", async () => {
      const client = await capture(target.server());
      const own = { client_id: client.clientId };
      const blocker = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), blocker, "in_progress");
      const arrival = await submit(target.server(), imageGraph(), own);
      const front = await submit(target.server(), imageGraph(), { ...own, front: true });
      const numbered = await submit(target.server(), imageGraph(), { ...own, number: -1e6 });
      await cancel(target.server(), blocker);
      await client.waitForEnd(arrival);
      const starts = client.frames.filter(({ type }) => type === "execution_start");
      expect(starts.map(({ data }) => data.prompt_id)).toEqual([numbered, front, arrival]);
      await client.close();
    });

    it("accepts an id a second time and runs both; the later result is kept", async () => {
      const id = await submit(target.server(), imageGraph());
      expect((await waitForEnd(target.server(), id)).status).toBe("completed");
      const again = await post(target.server(), "/prompt", { prompt: failingGraph(), prompt_id: id });
      expect(again.status).toBe(200);
      expect((await waitForStatus(target.server(), id, "failed")).status).toBe("failed");
    });

    it("keeps extra_data, adds create_time, and takes API keys out of the history", async () => {
      const extra_data = { mine: { a: 1 }, api_key_comfy_org: "secret", extra_pnginfo: { workflow: { id: "w-1" } } };
      const id = await submit(target.server(), imageGraph(), { extra_data });
      const job = await waitForEnd(target.server(), id);
      const history = await call(target.server(), `/history/${id}`);
      const entry = z.record(z.string(), z.looseObject({ prompt: z.array(z.unknown()) })).parse(history.json)[id];
      expect(entry?.prompt).toHaveLength(5);
      expect(entry?.prompt[3]).toMatchObject({ mine: { a: 1 }, create_time: expect.any(Number) });
      expect(history.text).not.toContain("secret");
      expect(job.workflow_id).toBe("w-1");
    });

    it("takes the header Comfy-Usage-Source into extra_data, unless that names one", async () => {
      const sourceOf = async (extra: Record<string, unknown>) => {
        const prompt_id = crypto.randomUUID();
        const body = JSON.stringify({ prompt: imageGraph(), prompt_id, ...extra });
        const headers = { "content-type": "application/json", "comfy-usage-source": "agent" };
        await call(target.server(), "/prompt", { method: "POST", body, headers });
        const { workflow } = await waitForEnd(target.server(), prompt_id);
        return z.looseObject({ extra_data: z.looseObject({ comfy_usage_source: z.string() }) }).parse(workflow)
          .extra_data.comfy_usage_source;
      };
      expect(await sourceOf({})).toBe("agent");
      expect(await sourceOf({ extra_data: { comfy_usage_source: "mine" } })).toBe("mine");
    });

    it.each([
      ["a cross-site page", { "sec-fetch-site": "cross-site" }],
      ["a page of another origin", { origin: "http://example.test" }],
    ])("answers 403 to %s", async (_name, headers) => {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sent = request(`${target.server().url}/prompt`, { headers, timeout: 10_000 }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.on("error", reject).on("timeout", () => sent.destroy(new Error("Cannot ask: no answer in 10 s"))).end();
      });
      expect(status).toBe(403);
    });

    it("leaves nothing behind of what it refused", async () => {
      await settle(target.server());
      const id = crypto.randomUUID();
      const answer = await post(target.server(), "/prompt", { prompt: {}, prompt_id: id });
      expect(answer.status).toBe(400);
      expect(await getJob(target.server(), id)).toBeUndefined();
    });
  });
}
