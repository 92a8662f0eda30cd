/** What comes with an asset, out of a form's fields or a JSON body, into what the asset service takes. */
import { z } from "zod";
import { FilePath } from "../../../contracts/asset.ts";
import { shorten } from "../../../contracts/shorten.ts";
import { blake3Of } from "./asset-view.ts";
import { wrongField } from "./errors.ts";
import { type FormFields, MAX_TAGS } from "./multipart.ts";
import { readFields } from "./json-body.ts";

/** Seconds. */
const EXPIRES_IN = { min: 60, max: 604_800 };
const MAX_TAG_CHARS = 100;

const Hash = z.string().refine((text) => blake3Of(text) !== null, "expected 'blake3:' and 64 hex digits")
  .transform((text) => blake3Of(text) ?? "");
/** Taken as the contract says and kept nowhere: nothing finds an asset by them. */
const Tags = z.array(z.string().min(1).max(MAX_TAG_CHARS)).max(MAX_TAGS);
const ExpiresIn = z.int().min(EXPIRES_IN.min).max(EXPIRES_IN.max);

/** The file's own: bytes that say they are a form were put into two. */
const FileType = z.string().min(1).max(255).refine((type) => !/^\s*multipart\//i.test(type), "expected no form's type");

const UploadFields = z.strictObject({
  content_type: FileType,
  file_path: FilePath,
  expected_hash: Hash.nullish(),
  tags: Tags.nullish(),
  expires_in: z.string().regex(/^\d{1,7}$/, "expected seconds").transform(Number).pipe(ExpiresIn).nullish(),
});

const FromHash = z.strictObject({
  hash: Hash,
  file_path: FilePath.nullish(),
  tags: Tags.nullish(),
  expires_in: ExpiresIn.nullish(),
});

export interface AssetFields {
  filePath: string;
  contentType: string;
  blake3: string | undefined;
  expiresInMs: number | null;
}

function msOf(seconds: number | null | undefined): number | null {
  return seconds === null || seconds === undefined ? null : seconds * 1_000;
}

/** Every field once, but `tags`, which is a part each. */
function plain(fields: FormFields): Record<string, unknown> {
  return Object.fromEntries(
    [...fields].map(([name, values]) => {
      if (name === "tags" || name === "tags[]") return ["tags", values];
      if (values.length === 1) return [name, values[0]];
      throw wrongField(`Cannot store the file: the field '${shorten(name)}' stands ${values.length} times`, {
        hint: "Send it once.",
      });
    }),
  );
}

/** @throws FleetError `invalid_input` (422), naming the fields that lack where the file came before them */
export function readUploadFields(fields: FormFields): AssetFields {
  const lacking = ["content_type", "file_path"].filter((name) => !fields.has(name));
  if (lacking.length > 0) {
    const names = lacking.map((name) => `'${name}'`).join(" and ");
    const verb = lacking.length === 1 ? "is" : "are";
    throw wrongField(`Cannot store the file: ${names} ${verb} required before the file`, {
      hint: "Send every field before the file, which is the last part.",
      details: { missing: lacking },
    });
  }
  const { content_type, file_path, expected_hash, expires_in } = readFields(UploadFields, plain(fields));
  return {
    filePath: file_path,
    contentType: content_type,
    blake3: expected_hash ?? undefined,
    expiresInMs: msOf(expires_in),
  };
}

/** @throws FleetError `invalid_input` (422) */
export function readFromHash(
  body: unknown,
): { blake3: string; filePath: string | undefined; expiresInMs: number | null } {
  const { hash, file_path, expires_in } = readFields(FromHash, body);
  return { blake3: hash, filePath: file_path ?? undefined, expiresInMs: msOf(expires_in) };
}
