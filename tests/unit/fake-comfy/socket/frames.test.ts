import { describe, expect, it } from "vitest";
import { previewFrame, previewFrameWithMetadata } from "../../../../fake-comfy/socket/frames.ts";

const image = { format: "png", bytes: Uint8Array.from([1, 2, 3]) } as const;

describe("previewFrame()", () => {
  it("previewFrame() is event 1, the format, the picture", () => {
    expect(previewFrame(image)).toEqual(Buffer.from([0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3]));
    expect(previewFrame({ ...image, format: "jpeg" }).readUInt32BE(4)).toBe(1);
  });
});

describe("previewFrameWithMetadata()", () => {
  it("previewFrameWithMetadata() is event 4, the owner as JSON, the picture", () => {
    const frame = previewFrameWithMetadata(image, { nodeId: "3", promptId: "p" });
    const length = frame.readUInt32BE(4);
    expect(frame.readUInt32BE(0)).toBe(4);
    expect(JSON.parse(frame.subarray(8, 8 + length).toString())).toEqual({
      node_id: "3",
      prompt_id: "p",
      display_node_id: "3",
      parent_node_id: null,
      real_node_id: "3",
      image_type: "image/png",
    });
    expect(frame.subarray(8 + length)).toEqual(Buffer.from([1, 2, 3]));
  });
});
