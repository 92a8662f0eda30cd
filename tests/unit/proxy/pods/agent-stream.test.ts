import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { toAgentError } from "../../../../proxy/pods/agent-error.ts";
import { readStream } from "../../../../proxy/pods/agent-stream.ts";
import { settle } from "../jobs/manual-clock.ts";

const TYPE = { "content-type": "text/event-stream" };

function setUp(answer: (signal: AbortSignal) => Response) {
  const told: unknown[] = [];
  const counts = { alive: 0, opened: 0 };
  const stream = readStream(
    (signal) => {
      counts.opened += 1;
      return Promise.resolve(answer(signal));
    },
    {
      alive: () => void (counts.alive += 1),
      data: (value, chars) => told.push({ value, chars }),
      cut: (error) => told.push(toAgentError(error)),
      end: () => told.push("end"),
    },
  );
  return { told, counts, stream };
}

const message = (value: unknown) => `data: ${JSON.stringify(superjson.serialize(value))}\n\n`;

describe("readStream()", () => {
  it("tells each event with its size, and the end that the agent has said", async () => {
    const { told, counts } = setUp(() =>
      new Response(`event: connected\ndata: {}\n\n${message({ at: new Date(0) })}event: return\ndata: \n\n`, {
        headers: TYPE,
      })
    );
    await settle();
    expect(told.slice(0, 2)).toEqual([
      { value: { at: new Date(0) }, chars: message({ at: new Date(0) }).length - 8 },
      "end",
    ]);
    expect(counts).toEqual({ alive: 1, opened: 1 });
  });

  it.each([
    ["an end without a word", new Response(message(1), { headers: TYPE }), "agent_unreachable"],
    ["an answer that is no stream", Response.json({}), "agent_unreachable"],
    ["an answer of another status", new Response("", { status: 206, headers: TYPE }), "agent_unreachable"],
    ["an answer without a body", new Response(null, { headers: TYPE }), "agent_unreachable"],
    ["a message that is no JSON", new Response("data: {\n\n", { headers: TYPE }), "agent_unreachable"],
    ["a refusal", new Response(null, { status: 401 }), "unauthorized"],
  ])("tells of %s, and does not ask again", async (_what, response, code) => {
    const { told, counts } = setUp(() => response);
    await settle();
    expect(told.at(-1)).toMatchObject({ code });
    expect(counts.opened).toBe(1);
  });

  it("gives the connection up when nobody reads it any more", async () => {
    let aborted = false;
    const { stream } = setUp((signal) => {
      signal.addEventListener("abort", () => (aborted = true));
      return new Response(new ReadableStream(), { headers: TYPE });
    });
    await settle();
    stream.unsubscribe();
    expect(aborted).toBe(true);
  });
});
