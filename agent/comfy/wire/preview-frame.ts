/**
 * ComfyUI's binary WebSocket frames: big-endian u32 event number, then a layout per event.
 * Event 1 is a picture without ids, event 4 a picture with JSON about it. Text (3) and unknown events are not pictures.
 */
import { z } from "zod";

export interface PreviewFrame {
  /** Null in event 1: it belongs to whatever runs. */
  promptId: string | null;
  nodeId: string | null;
  contentType: "image/jpeg" | "image/png";
  /** A view into the frame, not a copy. */
  bytes: Uint8Array;
}

const PREVIEW_IMAGE = 1;
const PREVIEW_IMAGE_WITH_METADATA = 4;

const Metadata = z.object({
  node_id: z.string().nullish(),
  prompt_id: z.string().nullish(),
  image_type: z.enum(["image/jpeg", "image/png"]),
});

/** Returns null for a frame that is no picture or is cut short. */
export function parsePreviewFrame(frame: Uint8Array): PreviewFrame | null {
  if (frame.byteLength < 8) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const second = view.getUint32(4);
  switch (view.getUint32(0)) {
    case PREVIEW_IMAGE:
      return withoutIds(second, frame.subarray(8));
    case PREVIEW_IMAGE_WITH_METADATA:
      return withMetadata(frame, second);
    default:
      return null;
  }
}

function withoutIds(format: number, bytes: Uint8Array): PreviewFrame | null {
  if (bytes.byteLength === 0 || (format !== 1 && format !== 2)) return null;
  return { promptId: null, nodeId: null, contentType: format === 1 ? "image/jpeg" : "image/png", bytes };
}

function withMetadata(frame: Uint8Array, metadataBytes: number): PreviewFrame | null {
  const end = 8 + metadataBytes;
  if (end >= frame.byteLength) return null;
  const metadata = Metadata.safeParse(parseJson(new TextDecoder().decode(frame.subarray(8, end))));
  if (!metadata.success) return null;
  const { prompt_id: promptId, node_id: nodeId, image_type: contentType } = metadata.data;
  return { promptId: promptId ?? null, nodeId: nodeId ?? null, contentType, bytes: frame.subarray(end) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
