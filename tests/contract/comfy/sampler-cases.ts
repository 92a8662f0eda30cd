// KSampler with the made-up model, on a real server only: steps, and previews as binary frames.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Graph } from "../../support/real-comfy/recording-graphs.ts";
import { capture } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import { submit, waitForEnd } from "./wire.ts";

export const SAMPLER_STEPS = 4;
const JPEG = [0xff, 0xd8];

/** The example workflow, made smaller, with a seed that the server has not seen. */
export async function samplerGraph(): Promise<Graph> {
  const text = await readFile(new URL("../../fixtures/workflows/ksampler.json", import.meta.url), "utf8");
  const graph = JSON.parse(text) as Graph;
  Object.assign(graph["3"]?.inputs ?? {}, { width: 64, height: 64 });
  Object.assign(graph["4"]?.inputs ?? {}, { steps: SAMPLER_STEPS, seed: Math.floor(Math.random() * 1e9) });
  return graph;
}

export function describeSampler(target: Target): void {
  describe("sampler", () => {
    it("KSampler reports every step, with previews that name the node when that was negotiated", async () => {
      const client = await capture(target.server(), { featureFlags: { supports_preview_metadata: true } });
      const id = await submit(target.server(), await samplerGraph(), { client_id: client.clientId });
      await client.waitForEnd(id);
      expect((await waitForEnd(target.server(), id)).status).toBe("completed");
      const steps = client.frames.filter(({ type, data }) => type === "progress" && data.node === "4");
      expect(steps.map(({ data }) => [data.value, data.max])).toEqual(
        [1, 2, 3, 4].map((step) => [step, SAMPLER_STEPS]),
      );
      expect(client.binaries).toHaveLength(SAMPLER_STEPS);
      for (const frame of client.binaries) {
        expect(frame.readUInt32BE(0)).toBe(4);
        const length = frame.readUInt32BE(4);
        const metadata = z.looseObject({ node_id: z.string(), prompt_id: z.string(), image_type: z.string() }).parse(
          JSON.parse(frame.subarray(8, 8 + length).toString("utf8")),
        );
        expect(metadata).toMatchObject({ node_id: "4", prompt_id: id, image_type: "image/jpeg" });
        expect([...frame.subarray(8 + length, 10 + length)]).toEqual(JPEG);
      }
      await client.close();
    });

    it("KSampler sends previews without names to a client that did not ask for them", async () => {
      const client = await capture(target.server());
      const id = await submit(target.server(), await samplerGraph(), { client_id: client.clientId });
      await client.waitForEnd(id);
      expect(client.binaries).toHaveLength(SAMPLER_STEPS);
      for (const frame of client.binaries) {
        expect([frame.readUInt32BE(0), frame.readUInt32BE(4), ...frame.subarray(8, 10)]).toEqual([1, 1, ...JPEG]);
      }
      await client.close();
    });
  });
}
