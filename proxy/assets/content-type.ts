/** What a stored file says it is, and whether a browser may show it in place. */
import mime from "mime";

const UNKNOWN = "application/octet-stream";
const TYPE = /^\s*([a-z0-9][a-z0-9!#$&^_.+-]{0,100}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,100})\s*(?:;|$)/i;

/** What tools send when nobody told them a type. */
const NO_STATEMENT: ReadonlySet<string> = new Set([UNKNOWN, "application/x-www-form-urlencoded"]);

/** The MIME type in lower case without parameters; from the file's name where the header says nothing useful. */
export function cleanContentType(header: string | null, fileName: string): string {
  const declared = TYPE.exec(header ?? "")?.[1]?.toLowerCase();
  if (declared !== undefined && !NO_STATEMENT.has(declared)) return declared;
  return mime.getType(fileName) ?? UNKNOWN;
}

/** Images, videos and sounds only. SVG is no image here: it can carry a script. */
export function mayShowInline(contentType: string): boolean {
  return /^(?:image|video|audio)\//.test(contentType) && !/svg|xml/.test(contentType);
}
