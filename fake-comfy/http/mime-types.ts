/** Content types by file extension, as the server guesses them. */

const TYPES: Readonly<Record<string, string>> = {
  apng: "image/apng",
  avif: "image/avif",
  avi: "video/x-msvideo",
  bin: "application/octet-stream",
  bmp: "image/bmp",
  css: "text/css",
  csv: "text/csv",
  flac: "audio/flac",
  gif: "image/gif",
  glb: "model/gltf-binary",
  gltf: "model/gltf+json",
  heic: "image/heic",
  htm: "text/html",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  m4a: "audio/mp4",
  md: "text/markdown",
  mjs: "text/javascript",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  obj: "model/obj",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  tiff: "image/tiff",
  txt: "text/plain",
  wav: "audio/x-wav",
  webm: "video/webm",
  webp: "image/webp",
  xhtml: "application/xhtml+xml",
  xml: "application/xml",
  zip: "application/zip",
};

const DANGEROUS = [
  "text/html",
  "application/xhtml+xml",
  "text/javascript",
  "text/css",
  "image/svg+xml",
  "application/xml",
];

/** The type of a file name; `application/octet-stream` for unknown extensions. */
export function contentTypeOf(filename: string): string {
  const extension = /\.([^./]+)$/.exec(filename)?.[1]?.toLowerCase() ?? "";
  return TYPES[extension] ?? "application/octet-stream";
}

/** True for types that a browser would run or render; they are only handed out as downloads. */
export function isDangerous(contentType: string): boolean {
  return DANGEROUS.includes(contentType);
}
