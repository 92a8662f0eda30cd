/** Where a caller wants a file to lie. */
import { FileName, FilePath } from "../../contracts/asset.ts";
import { FleetError } from "../../contracts/errors.ts";
import { shorten } from "../../contracts/shorten.ts";

/** @throws FleetError `invalid_input` */
export function parseFilePath(path: string): string {
  const parsed = FilePath.safeParse(path);
  if (parsed.success) return parsed.data;
  throw new FleetError("invalid_input", `Cannot store the file: ${JSON.stringify(shorten(path))} is no file path`, {
    hint: "Give a relative path of file names of 1 to 255 characters, without '..', e.g. 'photo.png' or 'masks/a.png'.",
  });
}

/** @throws FleetError `invalid_input` */
export function parseFileName(name: string): string {
  const parsed = FileName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new FleetError("invalid_input", `Cannot store the file: ${JSON.stringify(shorten(name))} is no file name`, {
    hint: "Pass ?name=FILE with a plain name of 1 to 255 characters, without folders.",
  });
}
