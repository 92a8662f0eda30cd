// Previews of a running node, which the flag --preview-method asks for. The stand-in draws them of ColorTransfer.
import { describe, expect, it } from "vitest";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { slowGraph } from "./graphs.ts";
import { SAMPLER_STEPS, samplerGraph } from "./sampler-cases.ts";
import { capture, type CaptureOptions } from "./socket-capture.ts";
import { startTarget, type Target } from "./target.ts";
import { submit } from "./wire.ts";

const TIMEOUT_MS = 60_000;

async function withServer(target: Target, check: (server: StartedComfy) => Promise<void>): Promise<void> {
  if (target.kind === "real") return await check(target.server());
  const server = await startTarget({ args: ["--previews", "jpeg"] });
  try {
    await check(server);
  } finally {
    await server.stop();
  }
}

export function describePreviews(target: Target): void {
  /** The event numbers of the binary frames of one run. */
  const heardBy = async (server: StartedComfy, options: CaptureOptions, extra_data = {}) => {
    const client = await capture(server, options);
    const graph = target.kind === "fake" ? slowGraph(SAMPLER_STEPS) : await samplerGraph();
    await client.waitForEnd(await submit(server, graph, { client_id: client.clientId, extra_data }));
    await client.close();
    return client.binaries.map((frame) => frame.readUInt32BE(0));
  };

  describe("previews", () => {
    it("each step has one, with its node for a client that asked for that on this very socket", async () => {
      await withServer(target, async (server) => {
        const clientId = crypto.randomUUID();
        const featureFlags = { supports_preview_metadata: true };
        expect(await heardBy(server, { clientId, featureFlags })).toEqual(Array(SAMPLER_STEPS).fill(4));
        expect(await heardBy(server, { clientId })).toEqual(Array(SAMPLER_STEPS).fill(1));
      });
    }, TIMEOUT_MS);

    it("a prompt that asks for no previews has none", async () => {
      await withServer(target, async (server) => {
        expect(await heardBy(server, {}, { preview_method: "none" })).toEqual([]);
      });
    }, TIMEOUT_MS);
  });
}
