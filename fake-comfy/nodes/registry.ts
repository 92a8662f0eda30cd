/** All node classes the stand-in has. Any other class is refused as ComfyUI refuses a class that is not installed. */
import { colorTransfer } from "./color-transfer.ts";
import { getImageSize, imageBlur, imageScale } from "./image-filters.ts";
import { previewImage, saveImage } from "./image-savers.ts";
import { emptyImage, loadImage } from "./image-sources.ts";
import { imageCrop, imageFlip, imageFromBatch, imageInvert } from "./image-transforms.ts";
import type { NodeClass } from "./node-class.ts";
import { previewAny, primitiveString, saveText, stringConcatenate } from "./text.ts";

/** By class name. */
export const NODE_CLASSES: ReadonlyMap<string, NodeClass> = new Map(
  [
    saveImage,
    previewImage,
    loadImage,
    imageInvert,
    emptyImage,
    imageFromBatch,
    imageCrop,
    imageFlip,
    imageScale,
    imageBlur,
    getImageSize,
    colorTransfer,
    primitiveString,
    stringConcatenate,
    previewAny,
    saveText,
  ].map((node) => [node.name, node]),
);
