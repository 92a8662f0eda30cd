/** Chromium of the system, found at run time: the suite of the browser needs one and brings none. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian's name first. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** What puts one there. */
export const INSTALL_CHROMIUM = "apt-get install --yes --no-install-recommends chromium";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of the program that `CHROMIUM` names, else of the first on `PATH`; null when there is none. */
export function findChromium(env: Readonly<Record<string, string | undefined>> = process.env): string | null {
  if (env.CHROMIUM) return isExecutable(env.CHROMIUM) ? env.CHROMIUM : null;
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

/** Why the suite cannot run here; null when it can. */
export function whyNoChromium(): string | null {
  if (findChromium() !== null) return null;
  return `there is no Chromium (CHROMIUM, or on PATH); '${INSTALL_CHROMIUM}' installs one`;
}
