import { describe, expect, it } from "vitest";
import { parsePreviewFrame } from "../../../../../agent/comfy/wire/preview-frame.ts";

const PICTURE = Uint8Array.of(0xff, 0xd8, 0xff);

function frame(event: number, second: number, ...parts: Uint8Array[]): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, event);
  new DataView(head.buffer).setUint32(4, second);
  return Uint8Array.from([head, ...parts].flatMap((part) => [...part]));
}

function withMetadata(metadata: unknown, picture = PICTURE): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(metadata));
  return frame(4, json.byteLength, json, picture);
}

describe("parsePreviewFrame()", () => {
  it("reads event 1 as a picture without ids", () => {
    const none = { promptId: null, nodeId: null, bytes: PICTURE };
    expect(parsePreviewFrame(frame(1, 1, PICTURE))).toEqual({ ...none, contentType: "image/jpeg" });
    expect(parsePreviewFrame(frame(1, 2, PICTURE))).toEqual({ ...none, contentType: "image/png" });
  });

  it("reads event 4 with its ids, also from the middle of a larger buffer", () => {
    const whole = withMetadata({ node_id: "4", prompt_id: "p", image_type: "image/png", display_node_id: "4" });
    const inside = new Uint8Array(whole.byteLength + 7);
    inside.set(whole, 7);
    expect(parsePreviewFrame(inside.subarray(7)))
      .toEqual({ promptId: "p", nodeId: "4", contentType: "image/png", bytes: PICTURE });
  });

  it("refuses text frames, unknown events and formats, and frames that are cut short", () => {
    const broken = [
      frame(3, 1, Uint8Array.of(0x31), PICTURE),
      frame(9, 1, PICTURE),
      frame(1, 7, PICTURE),
      frame(1, 1),
      frame(4, 1_000_000, PICTURE),
      frame(4, 3, Uint8Array.of(1, 2, 3), PICTURE),
      withMetadata({ image_type: "image/gif" }),
      withMetadata({ image_type: "image/png" }, new Uint8Array()),
      new Uint8Array(4),
    ];
    expect(broken.map(parsePreviewFrame)).toEqual(broken.map(() => null));
  });
});
