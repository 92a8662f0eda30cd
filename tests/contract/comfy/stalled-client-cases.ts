// A client that stops reading its socket: it holds up what everybody else is told, and nothing else.
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Graph } from "../../support/real-comfy/recording-graphs.ts";
import { freshColor, imageGraph } from "./graphs.ts";
import { capture } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import { call, settle, submit, waitForEnd } from "./wire.ts";

/** Each node is told with all before it: these come to some 18 MB of messages, more than any buffer between the two. */
const NODES = 300;
const TIMEOUT_MS = 90_000;

/** A chain of nodes that take no time. */
function floodGraph(): Graph {
  const ids = Array.from({ length: NODES }, (_, index) => index + 2);
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: freshColor() } },
    ...Object.fromEntries(
      ids.map((id) => [String(id), { class_type: "ImageInvert", inputs: { image: [String(id - 1), 0] } }]),
    ),
    end: {
      class_type: "SaveImage",
      inputs: { images: [String(NODES + 1), 0], filename_prefix: `flood/${crypto.randomUUID()}` },
    },
  };
}

export function describeStalledClient(target: Target): void {
  describe("a client that stops reading", () => {
    it("holds up the messages of every client until it is gone, while HTTP answers and jobs run", async () => {
      await settle(target.server());
      const clientId = crypto.randomUUID();
      const stalled = new WebSocket(`${target.server().url.replace("http", "ws")}/ws?clientId=${clientId}`, {
        perMessageDeflate: false,
      });
      await once(stalled, "open");
      stalled.pause();
      const other = await capture(target.server());
      const flood = await submit(target.server(), floodGraph(), { client_id: clientId });
      expect((await waitForEnd(target.server(), flood)).status).toBe("completed");
      const id = await submit(target.server(), imageGraph(), { client_id: other.clientId });
      expect((await waitForEnd(target.server(), id)).status).toBe("completed");
      expect((await call(target.server(), "/prompt")).status).toBe(200);
      expect(other.typesOf(id)).toEqual([]);
      stalled.terminate();
      await other.waitForEnd(id);
      await other.close();
    }, TIMEOUT_MS);
  });
}
