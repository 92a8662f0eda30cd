/**
 * What nvidia-smi says and how it ends when it cannot do its work. Its exit code is NVML's in most failures, but a text may
 * also come with code 0 while only one of several GPUs is bad, so texts count first. Pure.
 */

export type FailureCode =
  | "smi_missing"
  | "no_driver"
  | "no_devices"
  | "library_missing"
  | "not_permitted"
  | "nvml_unknown_error"
  | "blocked"
  | "driver_mismatch"
  | "gpu_lost"
  | "reset_required"
  | "power_cable"
  | "interrupt_problem"
  | "inforom_corrupted"
  | "field_refused"
  | "hung"
  | "failed";

export interface ProbeFailure {
  code: FailureCode;
  /** nvidia-smi's own words, or what was seen instead; one line. */
  detail: string;
}

const TEXTS: readonly [RegExp, FailureCode][] = [
  [/^Field "[^"]*" is not a valid field to query/i, "field_refused"],
  [/Unable to determine the device handle for (?:the )?GPU ?[0-9A-F:.]+:/i, "gpu_lost"],
  [/GPU is lost/i, "gpu_lost"],
  [/GPU requires reset|reset (?:is )?required/i, "reset_required"],
  [/Failed to initialize NVML: Unknown Error/i, "nvml_unknown_error"],
  [/Driver\/library version mismatch/i, "driver_mismatch"],
  [/Failed to initialize NVML: Insufficient Permissions/i, "not_permitted"],
  [/Failed to initialize NVML: Driver Not Loaded/i, "no_driver"],
  [/couldn't communicate with the NVIDIA driver/i, "no_driver"],
  [/No devices were found/i, "no_devices"],
  [
    /couldn't find (?:the )?libnvidia-ml|Failed to initialize NVML: (?:NVML Shared )?Library Not Found/i,
    "library_missing",
  ],
  [/infoROM is corrupted/i, "inforom_corrupted"],
  [/power cables? (?:is |are )?(?:not|missing)|external power cables/i, "power_cable"],
  [/Failed to initialize NVML: .*interrupt/i, "interrupt_problem"],
  [/blocked by (?:the )?(?:OS|operating system|cgroups?)/i, "blocked"],
];

/** NVML's codes; 255 is its 999 (unknown). */
const CODES: Readonly<Record<number, FailureCode>> = {
  4: "not_permitted",
  6: "no_devices",
  8: "power_cable",
  9: "no_driver",
  11: "interrupt_problem",
  12: "library_missing",
  13: "driver_mismatch",
  14: "inforom_corrupted",
  15: "gpu_lost",
  16: "reset_required",
  17: "blocked",
  18: "driver_mismatch",
  255: "nvml_unknown_error",
};

const MAX_DETAIL_CHARS = 500;

function cut(text: string): string {
  return text.length > MAX_DETAIL_CHARS ? `${text.slice(0, MAX_DETAIL_CHARS - 1)}…` : text;
}

/** Null for a line that tells of no failure known here. */
export function failureOfLine(line: string): ProbeFailure | null {
  const text = line.trim();
  const known = TEXTS.find(([pattern]) => pattern.test(text));
  return known ? { code: known[1], detail: cut(text) } : null;
}

/** How the process ended. */
export interface SmiExit {
  /** Null when a signal ended it, or it never started. */
  code: number | null;
  signal: string | null;
  /** Why it could not be started, e.g. `ENOENT`. */
  error: { code: string; message: string } | null;
}

/**
 * Why it ended, from its last lines and its code. Also right for a child that ended with code 0 where it should have gone on.
 * @param lines what it said that was no row, oldest first
 */
export function failureOfExit(exit: SmiExit, lines: readonly string[]): ProbeFailure {
  if (exit.error !== null) {
    const code = exit.error.code === "ENOENT" ? "smi_missing" : "failed";
    return { code, detail: cut(exit.error.message) };
  }
  const words = lines.map((line) => line.trim()).filter((line) => line !== "");
  const told = words.map(failureOfLine).find((failure) => failure !== null);
  if (told) {
    // The version that does not match is in the line after.
    const version = words.find((line) => /^NVML library version/i.test(line));
    return told.code === "driver_mismatch" && version ? { ...told, detail: cut(`${told.detail} (${version})`) } : told;
  }
  const ended = exit.signal === null ? `nvidia-smi ended with code ${exit.code}` : `nvidia-smi ended by ${exit.signal}`;
  const last = words.at(-1);
  const detail = cut(last === undefined ? ended : `${ended}: ${last}`);
  return { code: (exit.code === null ? undefined : CODES[exit.code]) ?? "failed", detail };
}

/** The field that a query was refused for; null when it was not. */
export function refusedField(lines: readonly string[]): string | null {
  for (const line of lines) {
    const field = /^Field "([^"]*)" is not a valid field to query/i.exec(line.trim())?.[1];
    if (field !== undefined) return field;
  }
  return null;
}
