import { TRPCClientError } from "@trpc/client";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../client/connection.ts";
import { type EventsOptions, watchEvents } from "../../../client/watch-events.ts";
import { FleetError } from "../../../contracts/errors.ts";
import type { FleetEvent } from "../../../contracts/fleet-event.ts";

interface Handlers {
  onData(event: { id: string; data: FleetEvent }): void;
  onComplete(): void;
  onError(error: unknown): void;
}

type Script = (handlers: Handlers) => void;

/** Each subscription plays the next script, the last one again and again; what was asked for is kept. */
function scripted(scripts: Script[]) {
  const asked: { allTenants: boolean; lastEventId: string | null }[] = [];
  let open = 0;
  const watch = {
    subscribe(input: (typeof asked)[number], handlers: Handlers) {
      const script = scripts[Math.min(asked.length, scripts.length - 1)];
      asked.push(input);
      open += 1;
      queueMicrotask(() => script?.(handlers));
      return { unsubscribe: () => (open -= 1) };
    },
  };
  const connection = { baseUrl: "http://edge", trpc: { events: { watch } } } as unknown as Connection;
  return { connection, asked, openStreams: () => open };
}

const ready = (id: string, missed = false) => ({ id, data: { type: "ready" as const, missed } });
function status(id: string): { id: string; data: FleetEvent } {
  const [tenantId, jobId] = ["tenant_01jd8qf2e0f0x8j3m5p7q9s1tv", "job_01jd8qf2e0f0x8j3m5p7q9s1tv"] as const;
  const at = "2026-01-01T00:00:00.000Z";
  return { id, data: { type: "status", tenantId, jobId, ver: 1, state: "queued", attempt: 0, at, reason: null } };
}
const send = (...events: { id: string; data: FleetEvent }[]): Script => ({ onData }) => events.forEach(onData);
const cut = (script: Script): Script => (handlers) => {
  script(handlers);
  handlers.onComplete();
};

async function idsOf(connection: Connection, count: number, options: EventsOptions = {}): Promise<string[]> {
  const ids: string[] = [];
  for await (const event of watchEvents(connection, options)) {
    ids.push(event.id);
    if (ids.length === count) break;
  }
  return ids;
}

describe("watchEvents()", () => {
  it("goes on from the last event seen when a stream is cut, and leaves none open", async () => {
    const { connection, asked, openStreams } = scripted([
      cut(send(ready("7"), status("8"))),
      cut(send(status("9"))),
      cut(() => {}),
      send(status("10")),
    ]);
    expect(await idsOf(connection, 4, { allTenants: true })).toEqual(["7", "8", "9", "10"]);
    expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([null, "8", "9", "9"]);
    expect(asked.every(({ allTenants }) => allTenants)).toBe(true);
    expect(openStreams()).toBe(0);
  });

  it("begins after the event that it is given", async () => {
    const { connection, asked } = scripted([cut(() => {}), send(status("43"))]);
    expect(await idsOf(connection, 1, { after: "42" })).toEqual(["43"]);
    expect(asked).toEqual([{ allTenants: false, lastEventId: "42" }, { allTenants: false, lastEventId: "42" }]);
  });

  it("ends at once with what is not worth another try", async () => {
    const fleet = new FleetError("unauthorized", "Cannot go on with the stream: the API key was revoked").toEnvelope();
    const refusal = TRPCClientError.from({ error: { message: "", code: -32000, data: { fleet } } } as never);
    const { connection, asked } = scripted([({ onError }) => onError(refusal)]);
    await expect(idsOf(connection, 1)).rejects.toMatchObject({ code: "unauthorized" });
    expect(asked).toHaveLength(1);
  });

  it("gives up after an outage, with what to do", async () => {
    const { connection } = scripted([({ onError }) => onError(new TypeError("connection refused"))]);
    await expect(idsOf(connection, 1, { outageMs: 150 })).rejects.toMatchObject({
      code: "edge_unreachable",
      hint: expect.stringContaining("'after'"),
    });
  });

  it("ends with the signal's own reason", async () => {
    const stop = new AbortController();
    const { connection, openStreams } = scripted([send(ready("1"))]);
    const reading = idsOf(connection, 2, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 10);
    await expect(reading).rejects.toThrow("enough");
    expect(openStreams()).toBe(0);
  });
});
