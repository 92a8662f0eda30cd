// Clients that send a byte a second, or nothing: the others are served meanwhile, and what can be closed is closed.
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { envelopeIn } from "../support/bad-input/judge.ts";
import { openHandles, residentBytes } from "../support/bad-input/process-health.ts";
import { EDGE_RUNTIMES, startTestFleet } from "../support/fleet/fleet.ts";
import { queryRaw } from "../support/fleet/http.ts";
import { until } from "../support/fleet/until.ts";
import { quick } from "../support/fleet/workflows.ts";

const MIB = 1024 * 1024;
const EACH = 12;

interface SlowClient {
  readonly text: string;
  readonly isClosed: boolean;
  end(): void;
}

/** Sends `first`, then `drip` every second; `half` closes its own direction after `first`. */
function slowClient(
  port: number,
  { first, drip = "", half = false }: { first: string; drip?: string; half?: boolean },
) {
  const socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const state = { text: "", isClosed: false };
  socket.setEncoding("utf8").on("data", (part: string) => (state.text += part));
  socket.on("error", () => {}).on("end", () => (state.isClosed = true)).on("close", () => (state.isClosed = true));
  socket.write(first);
  if (half) socket.end();
  const timer = setInterval(() => drip !== "" && socket.writable && socket.write(drip), 1_000);
  return {
    get text() {
      return state.text;
    },
    get isClosed() {
      return state.isClosed;
    },
    end() {
      clearInterval(timer);
      socket.destroy();
    },
  } satisfies SlowClient;
}

const statusOf = ({ text }: SlowClient) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
const codeOf = ({ text }: SlowClient) => envelopeIn(text.slice(text.indexOf("\r\n\r\n") + 4))?.code;

// At the same time: both mostly wait.
describe("slow clients", () => {
  it.concurrent.each(EDGE_RUNTIMES)("of the edge on %s are bounded, and the others are served", async (runtime) => {
    await using fleet = await startTestFleet({ runtime });
    const port = Number(new URL(fleet.baseUrl).port);
    const head = (method: string, path: string, key = fleet.apiKey) =>
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;
    const submit = (key?: string) => `${head("POST", "/trpc/jobs.submit", key)}Content-Length: 10000\r\n\r\n`;
    const kinds = {
      nothing: { first: "" },
      slowHead: { first: "GET /livez HTTP/1.1\r\nX-Slow: ", drip: "a" },
      slowBody: { first: submit(), drip: " " },
      slowChunks: {
        first: `${head("POST", "/trpc/jobs.submit")}Transfer-Encoding: chunked\r\n\r\n`,
        drip: "1\r\n \r\n",
      },
      silentBody: { first: submit() },
      strangersBody: { first: submit("cfl_nobody_x"), drip: " " },
      bodyOfAGet: { first: `${head("GET", "/livez")}Content-Length: 10000\r\n\r\n`, drip: "a" },
      slowUpload: { first: `${head("POST", "/v1/assets?name=a.txt")}Content-Length: 10000\r\n\r\n`, drip: "a" },
      halfOpen: { first: `${head("GET", "/trpc/jobs.list?input=%7B%22json%22%3A%7B%7D%7D")}\r\n`, half: true },
      cutBody: { first: submit(), half: true },
    };
    const before = { handles: openHandles(fleet.edge.pid), resident: residentBytes(fleet.edge.pid) };
    const clients = Object.fromEntries(
      Object.entries(kinds).map(([kind, how]) => [
        kind,
        Array.from({ length: EACH }, () => slowClient(port, how)),
      ]),
    ) as Record<keyof typeof kinds, SlowClient[]>;
    const all = Object.values(clients).flat();
    try {
      // Half-open ones are answered at once.
      await until("half-open clients", () => clients.halfOpen.every((one) => statusOf(one) === 200) || null, 10_000);
      await until("refused bodies", () => clients.strangersBody.every((one) => statusOf(one) === 401) || null, 10_000);
      const tookMs: number[] = [];
      for (let asked = 0; asked < 50; asked++) {
        const startedMs = performance.now();
        expect((await queryRaw(fleet, "jobs.list", {})).status).toBe(200);
        tookMs.push(performance.now() - startedMs);
      }
      expect(tookMs.toSorted((a, b) => a - b)[25]).toBeLessThan(250);
      expect((await fleet.client.run(quick())).outputs).toHaveLength(1);
      // The body of a call has a minute, an upload one for each part.
      const bodies = [...clients.slowBody, ...clients.slowChunks, ...clients.silentBody, ...clients.slowUpload];
      await until("bodies given up", () => bodies.every((one) => statusOf(one) === 400) || null, 90_000);
      for (const one of bodies) expect(codeOf(one)).toBe("upload_interrupted");
      expect(residentBytes(fleet.edge.pid) - before.resident).toBeLessThan(150 * MIB);
      // Deno's server has no time limit for a head, and keeps a connection while its client goes on sending.
      if (runtime === "node") {
        const closed = [
          ...bodies,
          ...clients.nothing,
          ...clients.slowHead,
          ...clients.strangersBody,
          ...clients.bodyOfAGet,
        ];
        await until("connections closed", () => closed.every(({ isClosed }) => isClosed) || null, 15_000);
        expect(new Set(clients.slowHead.map(statusOf))).toEqual(new Set([408]));
        expect(codeOf(clients.slowHead[0] as SlowClient)).toBe("timeout");
      }
    } finally {
      for (const one of all) one.end();
    }
    await until("handles closed", () => openHandles(fleet.edge.pid) <= before.handles + 8 || null);
    expect((await queryRaw(fleet, "jobs.list", {})).status).toBe(200);
  }, 150_000);
});
