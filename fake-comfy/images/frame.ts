/**
 * Pictures as ComfyUI's tensors hold them: float32 in 0..1, rows from the top, three channels.
 * A batch shares equal frames, so that a thousand identical frames cost the memory of one.
 */

/** One RGB picture. */
export interface Frame {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `width * height * 3` values in 0..1. Never written after the frame was made. */
  readonly data: Float32Array;
}

/** An `IMAGE`: one or more frames of one size. */
export class ImageBatch {
  readonly frames: readonly Frame[];

  constructor(frames: readonly Frame[]) {
    this.frames = frames;
  }

  /** The first frame, which gives the batch its size. */
  get first(): Frame {
    const frame = this.frames[0];
    if (frame === undefined) throw new RangeError("Cannot read a frame: the batch is empty");
    return frame;
  }
}

/** A `MASK`: one plane per frame, 0 where the picture is opaque. */
export class MaskBatch {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly planes: readonly Float32Array[];

  constructor(size: { width: number; height: number }, planes: readonly Float32Array[]) {
    this.width = size.width;
    this.height = size.height;
    this.planes = planes;
  }
}

/** A frame of one colour. `color` is 0xRRGGBB. */
export function solidFrame(width: number, height: number, color: number): Frame {
  const pixel = [(color >> 16) & 0xff, (color >> 8) & 0xff, color & 0xff].map((channel) => channel / 255);
  const data = new Float32Array(width * height * 3);
  for (let index = 0; index < data.length; index++) data[index] = pixel[index % 3] ?? 0;
  return { width, height, data };
}

/** `1 - x` for every value. */
export function invertFrame(frame: Frame): Frame {
  return { ...frame, data: frame.data.map((value) => 1 - value) };
}

/** Mirrored top to bottom (`vertical`) or left to right. */
export function flipFrame(frame: Frame, axis: "vertical" | "horizontal"): Frame {
  const { width, height, data } = frame;
  const flipped = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    const row = axis === "vertical" ? height - 1 - y : y;
    if (axis === "vertical") {
      flipped.set(data.subarray(row * width * 3, (row + 1) * width * 3), y * width * 3);
      continue;
    }
    for (let x = 0; x < width; x++) {
      const from = (y * width + (width - 1 - x)) * 3;
      flipped.set(data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { width, height, data: flipped };
}

/** The rectangle at x, y; both are pulled inside, and what reaches over the edge is cut off. */
export function cropFrame(frame: Frame, box: { x: number; y: number; width: number; height: number }): Frame {
  const left = Math.min(box.x, frame.width - 1);
  const top = Math.min(box.y, frame.height - 1);
  const width = Math.min(box.width, frame.width - left);
  const height = Math.min(box.height, frame.height - top);
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * frame.width + left) * 3;
    data.set(frame.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** Maps each frame once, also where a batch repeats the same frame. */
export function mapFrames(batch: ImageBatch, change: (frame: Frame) => Frame): ImageBatch {
  const done = new Map<Frame, Frame>();
  return new ImageBatch(batch.frames.map((frame) => {
    const known = done.get(frame) ?? change(frame);
    done.set(frame, known);
    return known;
  }));
}

/**
 * 8-bit RGB by truncation. The product is rounded to float32 first, as the tensor arithmetic does: 254.99999 becomes
 * 254 or 255 by that rounding alone.
 */
export function quantize(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(frame.data.length);
  for (let index = 0; index < bytes.length; index++) {
    const scaled = Math.fround(255 * (frame.data[index] ?? 0));
    bytes[index] = scaled <= 0 ? 0 : scaled >= 255 ? 255 : Math.trunc(scaled);
  }
  return bytes;
}

/** A frame of 8-bit RGB bytes. `unit` is what 255 becomes: 1, or a little less for pictures that were grey. */
export function frameFromBytes(size: { width: number; height: number }, bytes: Uint8Array, unit = 1): Frame {
  const { width, height } = size;
  const data = new Float32Array(width * height * 3);
  for (let index = 0; index < data.length; index++) data[index] = (bytes[index] ?? 0) / 255 * unit;
  return { width, height, data };
}
