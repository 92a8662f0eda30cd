import { describe, expect, it } from "vitest";
import { outputBody } from "../../../../proxy/attempts/output-body.ts";
import type { Agents } from "../../../../proxy/pods/port.ts";
import { attemptId, podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";

const output = {
  index: 0,
  nodeId: "1",
  name: "a.png",
  contentType: "image/png",
  sizeBytes: 1_000,
  sha256: "0".repeat(64),
  temporary: false,
};

/** An output that never ends, in chunks of ten bytes. */
function endless() {
  const clock = createManualClock();
  let asked = 0;
  const agents = {
    fetch(_pod: string, _path: string, { signal }: { signal: AbortSignal }) {
      asked += 1;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          if (signal.aborted) controller.error(signal.reason);
          else controller.enqueue(new Uint8Array(10));
        },
      });
      return Promise.resolve(new Response(body, { status: asked === 1 ? 200 : 206 }));
    },
  } as unknown as Agents;
  const reading = { agents, clock, stallMs: 20_000, tries: 5, signal: new AbortController().signal, failed: () => {} };
  const body = outputBody(reading, { podId: podId(1), attemptId: attemptId(1), output });
  return { body, clock, asked: () => asked };
}

describe("outputBody()", () => {
  it("asks at once, before anybody reads", async () => {
    const { body, asked } = endless();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked()).toBe(1);
    await body.cancel();
  });

  it("asks never again once it is canceled, whatever was under way", async () => {
    for (const afterMs of [0, 1, 5]) {
      const { body, clock, asked } = endless();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await body.cancel();
      for (let turn = 0; turn < 10; turn++) await clock.advance(5_000);
      expect(asked()).toBe(1);
    }
  });
});
