/** Preview pictures for progress ticks: a thumbnail as PNG, or one fixed small JPEG, which costs no time. */
import type { PreviewImage } from "../socket/frames.ts";
import { type Frame, quantize } from "./frame.ts";
import { encodePng } from "./png.ts";

/** Longest edge of a thumbnail in pixels. */
const EDGE = 64;

/** A preview of the frame in the wanted format. */
export async function previewOf(frame: Frame, format: PreviewImage["format"]): Promise<PreviewImage> {
  if (format === "jpeg") return { format, bytes: GREY_JPEG };
  const step = Math.max(1, Math.ceil(Math.max(frame.width, frame.height) / EDGE));
  const width = Math.ceil(frame.width / step);
  const height = Math.ceil(frame.height / step);
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * step * frame.width + x * step) * 3;
      data.set(frame.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return {
    format,
    bytes: await encodePng({ width, height, channels: 3, bytes: quantize({ width, height, data }) }, { level: 1 }),
  };
}

/** 16 x 16 pixels of middle grey. */
const GREY_JPEG = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i" +
    "Z2hnPk1xeXBkeFxlZ2P/wAALCAAQABABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI" +
    "AQEAAD8AAP/Z",
  "base64",
);
