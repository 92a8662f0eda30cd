/** The binary frames of ComfyUI's WebSocket: a big-endian u32 event number, then a layout of its own per event. */

/** A picture for a preview frame. */
export interface PreviewImage {
  readonly format: "jpeg" | "png";
  readonly bytes: Uint8Array;
}

/** Which node a preview belongs to, for clients that negotiated `supports_preview_metadata`. */
export interface PreviewOwner {
  readonly nodeId: string;
  readonly promptId: string;
}

const PREVIEW_IMAGE = 1;
const TEXT = 3;
const PREVIEW_IMAGE_WITH_METADATA = 4;

/** Event 1: format number (1 JPEG, 2 PNG), then the picture. */
export function previewFrame(image: PreviewImage): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(PREVIEW_IMAGE, 0);
  head.writeUInt32BE(image.format === "jpeg" ? 1 : 2, 4);
  return Buffer.concat([head, image.bytes]);
}

/** Event 4: length of the JSON, the JSON, then the picture. */
export function previewFrameWithMetadata(image: PreviewImage, owner: PreviewOwner): Buffer {
  const metadata = Buffer.from(JSON.stringify({
    node_id: owner.nodeId,
    prompt_id: owner.promptId,
    display_node_id: owner.nodeId,
    parent_node_id: null,
    real_node_id: owner.nodeId,
    image_type: `image/${image.format}`,
  }));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(PREVIEW_IMAGE_WITH_METADATA, 0);
  head.writeUInt32BE(metadata.length, 4);
  return Buffer.concat([head, metadata, image.bytes]);
}

/** Event 3: length of the node's id, the id, then a text that the node shows while it runs. */
export function textFrame(nodeId: string, text: string): Buffer {
  const id = Buffer.from(nodeId);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(TEXT, 0);
  head.writeUInt32BE(id.length, 4);
  return Buffer.concat([head, id, Buffer.from(text)]);
}
