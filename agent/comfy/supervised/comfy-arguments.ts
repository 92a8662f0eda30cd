/** The flags that the agent itself gives to ComfyUI. All of them are understood by every version from 0.3.50 to 0.33. */
import { FleetError } from "../../../contracts/errors.ts";
import type { ComfyDirectories } from "./directories.ts";

/** Flags that would open ComfyUI to the network or take its directories and identity out of the agent's hands. */
const OURS: readonly string[] = [
  "--listen",
  "--port",
  "--enable-cors-header",
  "--tls-keyfile",
  "--tls-certfile",
  "--input-directory",
  "--output-directory",
  "--temp-directory",
  "--user-directory",
  "--database-url",
  "--front-end-root",
];

/** @throws FleetError `invalid_input` for an extra argument that only the agent may give. */
export function checkExtraArguments(args: readonly string[]): void {
  const forbidden = args.find((arg) => OURS.includes(arg.split("=")[0] ?? ""));
  if (forbidden === undefined) return;
  throw new FleetError("invalid_input", `Cannot start ComfyUI with ${forbidden}: the agent sets it itself`, {
    hint: "Remove it from the extra ComfyUI arguments.",
  });
}

export interface ArgumentsOptions {
  port: number;
  directories: ComfyDirectories;
  /** Proves the identity: only this generation's process has this directory in its `argv`. */
  tempDirectory: string;
  /** Load the nodes that call out to others. */
  partnerNodes: boolean;
  extra: readonly string[];
}

/**
 * Loopback only; no metadata in outputs (it would carry the whole graph); no nodes that call out unless asked for; previews off unless a
 * prompt asks; a database of its own in memory (nothing in it outlives the process).
 */
export function comfyArguments(
  { port, directories, tempDirectory, partnerNodes, extra }: ArgumentsOptions,
): string[] {
  return [
    "--listen",
    "127.0.0.1",
    "--port",
    String(port),
    "--input-directory",
    directories.input,
    "--output-directory",
    directories.output,
    "--temp-directory",
    tempDirectory,
    "--user-directory",
    directories.user,
    "--database-url",
    "sqlite:///:memory:",
    "--front-end-root",
    directories.frontEnd,
    ...(partnerNodes ? [] : ["--disable-api-nodes"]),
    "--disable-metadata",
    "--preview-method",
    "none",
    ...extra,
  ];
}
