import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { readEvents, type ServerEvent } from "../../bench/edge/http-client.ts";

describe("readEvents", () => {
  it("readEvents() reads events wherever the stream is cut", async () => {
    const text = 'event: connected\ndata: \n\ndata: {"a":1}\nid: 3.1\n\n: a comment\n\ndata: {"b":"ü"}\nid: 4\n\n';
    const bytes = Buffer.from(text);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const stream = new PassThrough();
      const seen: ServerEvent[] = [];
      const ended = readEvents(stream as unknown as IncomingMessage, (event) => seen.push(event));
      stream.write(bytes.subarray(0, cut));
      stream.end(bytes.subarray(cut));
      await ended;
      expect(seen).toEqual([
        { event: "connected", data: "", id: "" },
        { event: "", data: '{"a":1}', id: "3.1" },
        { event: "", data: "", id: "" },
        { event: "", data: '{"b":"ü"}', id: "4" },
      ]);
    }
  });
});
