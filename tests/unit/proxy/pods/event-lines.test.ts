import { describe, expect, it } from "vitest";
import { createEventLines } from "../../../../proxy/pods/event-lines.ts";

const encoder = new TextEncoder();

function eventsOf(text: string, pieceBytes: number): [name: string, data: string][] {
  const events: [string, string][] = [];
  const take = createEventLines((...event) => events.push(event));
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) take(bytes.subarray(at, at + pieceBytes));
  return events;
}

describe("createEventLines()", () => {
  it.each([["byte by byte", 1], ["in pieces", 5], ["at once", 10_000]])("reads events that come %s", (_how, size) => {
    const text =
      'event: connected\ndata: {}\n\n\n: ping\n\ndata: "zwölf 🎉"\nid: 7\n\n\nevent:ping\ndata:\n\ndata: a\ndata:  b\n\n';
    expect(eventsOf(text, size)).toEqual([
      ["connected", "{}"],
      ["message", '"zwölf 🎉"'],
      ["ping", ""],
      ["message", "a\n b"],
    ]);
  });

  it("puts a line of thousands of pieces together, and begins the next one anew", () => {
    const long = Array.from({ length: 5_000 }, (_, at) => at % 10).join("");
    expect(eventsOf(`data: ${long}\n\ndata: 1\n\n`, 1)).toEqual([["message", long], ["message", "1"]]);
  });

  it("takes line breaks of both kinds", () => {
    expect(eventsOf("event: ping\r\ndata: 1\r\n\r\ndata: 2\n\n", 3)).toEqual([["ping", "1"], ["message", "2"]]);
  });

  it("keeps an event that has not ended, and forgets the name of one without data", () => {
    expect(eventsOf("event: return\n\ndata: 1\n\ndata: 2\n", 4)).toEqual([["message", "1"]]);
  });
});
