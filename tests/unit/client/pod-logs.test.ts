import { describe, expect, it } from "vitest";
import type { Connection } from "../../../client/connection.ts";
import type { StreamCallbacks } from "../../../client/one-connection.ts";
import { followPodLogs, podClient } from "../../../client/pod.ts";
import type { LogEvent } from "../../../contracts/agent/comfy.ts";
import { FleetError } from "../../../contracts/errors.ts";

const POD = "pod_01jd8qf2e0f0x8j3m5p7q9s1tv";
type Script = (callbacks: StreamCallbacks<LogEvent>) => void;

/** Each subscription plays the next script; what it asked for is kept. */
function scripted(scripts: Script[]) {
  const asked: { lines: number; lastEventId: string | null }[] = [];
  const followLogs = {
    subscribe(input: { lines: number; lastEventId: string | null }, callbacks: StreamCallbacks<LogEvent>) {
      const script = scripts[asked.length];
      asked.push(input);
      queueMicrotask(() => script?.(callbacks));
      return { unsubscribe() {} };
    },
  };
  const connection = { baseUrl: "http://edge", pod: () => ({ comfy: { followLogs } }) } as unknown as Connection;
  return { connection, asked };
}

function line(number: number): { id: string; data: LogEvent } {
  const at = "2026-01-01T00:00:00.000Z";
  return {
    id: `log.${number}`,
    data: { type: "line", line: { number, at, text: `line ${number}`, transient: false } },
  };
}

describe("followPodLogs()", () => {
  it("opens a cut stream again after the last line that it has", async () => {
    const { connection, asked } = scripted([
      ({ onData, onComplete }) => {
        onData(line(1));
        onData(line(2));
        onComplete();
      },
      ({ onData }) => onData(line(3)),
    ]);
    const numbers: number[] = [];
    for await (const event of followPodLogs(connection, POD, { lines: 5 })) {
      if (event.type === "line") numbers.push(event.line.number);
      if (numbers.length === 3) break;
    }
    expect(numbers).toEqual([1, 2, 3]);
    expect(asked).toEqual([{ lines: 5, lastEventId: null }, { lines: 5, lastEventId: "log.2" }]);
  });

  it("gives up at once with the edge's own words when the stream is refused for good", async () => {
    const refusal = new FleetError("conflict", "Cannot read ComfyUI's log: the agent is attached to it");
    const { connection, asked } = scripted([({ context, onError }) => {
      context.refused?.(refusal);
      onError(new Error("Non-200 status code (409)"));
    }]);
    await expect(followPodLogs(connection, POD).next()).rejects.toBe(refusal);
    expect(asked).toHaveLength(1);
  });

  it("waits for a pod that is away, no longer than it is told to", async () => {
    const away: Script = ({ context }) => context.refused?.(new FleetError("agent_unreachable", "Cannot reach it"));
    const { connection, asked } = scripted([away, away, away, away]);
    await expect(followPodLogs(connection, POD, { outageMs: 150 }).next()).rejects.toMatchObject({
      code: "edge_unreachable",
      message: `Cannot follow the log of ${POD}: the edge has been away too long`,
    });
    expect(asked.length).toBeGreaterThan(1);
  });
});

describe("podClient()", () => {
  it("refuses what is no pod id before it asks anybody", () => {
    expect(() => podClient(scripted([]).connection, "../keys.list")).toThrow(
      expect.objectContaining({ code: "invalid_input" }),
    );
  });
});
