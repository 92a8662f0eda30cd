/**
 * The command line: every flag of ComfyUI's `main.py` with argparse's rules (unknown flag → exit 2), and the
 * stand-in's own flags.
 */

/** How many values a flag takes: `switch` none, `one` exactly one, `maybe` none or one, `many` any, `some` at least one. */
type Arity = "switch" | "one" | "maybe" | "many" | "some";

/** What a command line comes to. */
export interface Flags {
  /** Last value given per flag, as text; a switch is "true". */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Every `--fault` in order. */
  readonly faults: readonly string[];
}

/** A command line that argparse would refuse; the process prints the message and exits 2. */
export class UsageError extends Error {}

const SWITCHES = [
  "auto-launch disable-auto-launch cuda-malloc disable-cuda-malloc force-fp32 force-fp16 fp32-unet fp64-unet bf16-unet",
  "fp16-unet fp8_e4m3fn-unet fp8_e5m2-unet fp8_e8m0fnu-unet fp16-vae fp32-vae bf16-vae cpu-vae fp8_e4m3fn-text-enc",
  "fp8_e5m2-text-enc fp16-text-enc fp32-text-enc bf16-text-enc fp16-intermediates force-channels-last",
  "supports-fp8-compute enable-triton-backend disable-triton-backend cache-classic cache-none high-ram",
  "use-split-cross-attention use-quad-cross-attention use-pytorch-cross-attention use-sage-attention",
  "use-flash-attention disable-xformers force-upcast-attention dont-upcast-attention enable-manager",
  "disable-manager-ui enable-manager-legacy-ui gpu-only highvram lowvram novram cpu disable-nvml-pressure",
  "disable-async-offload disable-dynamic-vram enable-dynamic-vram fast-disk force-non-blocking disable-smart-memory",
  "deterministic debug-hang disable-pinned-memory mmap-torch-files disable-mmap dont-print-server quick-test-for-ci",
  "windows-standalone-build disable-metadata disable-all-custom-nodes disable-api-nodes multi-user log-stdout",
  "enable-compress-response-body enable-assets enable-asset-hashing list-feature-flags partner-node",
].join(" ").split(" ");

const SINGLES = [
  "port tls-keyfile tls-certfile max-upload-size base-directory output-directory temp-directory input-directory",
  "cuda-device default-device oneapi-device-selector preview-method preview-size cache-lru reserve-vram vram-headroom",
  "default-hashing-function front-end-version front-end-root user-directory models-directory comfy-api-base",
  "database-url feature-flag control-port step-ms start-delay-ms fault",
].join(" ").split(" ");

const ARITY: ReadonlyMap<string, Arity> = new Map<string, Arity>([
  ...SWITCHES.map((name) => [name, "switch"] as const),
  ...SINGLES.map((name) => [name, "one"] as const),
  ["listen", "maybe"],
  ["enable-cors-header", "maybe"],
  ["directml", "maybe"],
  ["async-offload", "maybe"],
  ["previews", "maybe"],
  ["services", "maybe"],
  ["cache-ram", "many"],
  ["fast", "many"],
  ["verbose", "many"],
  ["extra-model-paths-config", "some"],
  ["whitelist-custom-nodes", "some"],
]);

const INTEGERS = ["port", "preview-size", "cache-lru", "default-device", "control-port", "step-ms", "start-delay-ms"];
const FLOATS = ["cache-ram", "max-upload-size", "reserve-vram", "vram-headroom", "step-ms", "start-delay-ms"];
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  "preview-method": ["none", "auto", "latent2rgb", "taesd"],
  "default-hashing-function": ["md5", "sha1", "sha256", "sha512"],
  previews: ["jpeg", "png"],
  services: ["models", "classes"],
};
const EXCLUSIVE = [
  ["cache-ram", "cache-classic", "cache-lru", "cache-none", "high-ram"],
  ["gpu-only", "highvram", "lowvram", "novram", "cpu"],
];

/** Reads a command line. @throws {UsageError} with argparse's text. */
export function parseFlags(argv: readonly string[]): Flags {
  const values = new Map<string, readonly string[]>();
  const faults: string[] = [];
  const unknown: string[] = [];
  for (let index = 0; index < argv.length;) {
    const argument = argv[index] ?? "";
    const [flag, inline] = splitFlag(argument);
    const arity = flag === null ? undefined : ARITY.get(flag);
    index++;
    if (flag === null || arity === undefined) {
      unknown.push(argument);
      continue;
    }
    const taken = inline === null ? takeValues(argv, index, arity) : [inline];
    if (inline === null) index += taken.length;
    checkCount(flag, arity, { taken, inline: inline !== null });
    checkValues(flag, taken);
    if (flag === "fault") faults.push(...taken);
    else values.set(flag, arity === "switch" ? ["true"] : taken);
  }
  for (const group of EXCLUSIVE) {
    const given = group.filter((name) => values.has(name));
    const [first, second] = given;
    if (second !== undefined) throw new UsageError(`argument --${second}: not allowed with argument --${first}`);
  }
  if (unknown.length > 0) throw new UsageError(`unrecognized arguments: ${unknown.join(" ")}`);
  return { values, faults };
}

function splitFlag(argument: string): [flag: string | null, inline: string | null] {
  if (!argument.startsWith("--")) return [null, null];
  const equals = argument.indexOf("=");
  return equals < 0 ? [argument.slice(2), null] : [argument.slice(2, equals), argument.slice(equals + 1)];
}

function takeValues(argv: readonly string[], from: number, arity: Arity): string[] {
  const most = arity === "switch" ? 0 : arity === "many" || arity === "some" ? Number.POSITIVE_INFINITY : 1;
  const taken: string[] = [];
  while (taken.length < most && from + taken.length < argv.length) {
    const next = argv[from + taken.length] ?? "";
    if (next.startsWith("-") && !/^-\d/.test(next)) break;
    taken.push(next);
  }
  return taken;
}

function checkCount(flag: string, arity: Arity, given: { taken: readonly string[]; inline: boolean }): void {
  if (arity === "switch" && given.inline) {
    throw new UsageError(`argument --${flag}: ignored explicit argument '${given.taken[0]}'`);
  }
  if (given.taken.length > 0) return;
  if (arity === "one") throw new UsageError(`argument --${flag}: expected one argument`);
  if (arity === "some") throw new UsageError(`argument --${flag}: expected at least one argument`);
}

function checkValues(flag: string, taken: readonly string[]): void {
  const choices = CHOICES[flag];
  for (const value of taken) {
    const float = FLOATS.includes(flag);
    if (float && (value.trim() === "" || !Number.isFinite(Number(value)))) {
      throw new UsageError(`argument --${flag}: invalid float value: '${value}'`);
    }
    if (!float && INTEGERS.includes(flag) && !/^[+-]?\d+$/.test(value)) {
      throw new UsageError(`argument --${flag}: invalid int value: '${value}'`);
    }
    if (choices !== undefined && !choices.includes(value)) {
      throw new UsageError(
        `argument --${flag}: invalid choice: '${value}' (choose from ${choices.map((name) => `'${name}'`).join(", ")})`,
      );
    }
  }
}
