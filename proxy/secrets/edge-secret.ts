/**
 * The edge's own secret: 32 bytes from which every key that it uses itself is derived. It comes from `EDGE_SECRET_KEY`,
 * or lies in `secret.key` of the data folder (0600), made at the first start.
 */
import { Buffer } from "node:buffer";
import { hkdfSync, randomBytes as cryptoRandomBytes, randomUUID } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { FleetError } from "../../contracts/errors.ts";

const SECRET_BYTES = 32;
const FILE_NAME = "secret.key";

/** What a derived key is for. Never rename one: what was signed or sealed before would be worth nothing. */
export type KeyPurpose = "asset-url" | "sealed-box";

/** Hands out keys, never the secret itself. */
export interface EdgeSecret {
  /** 32 bytes, the same for the same secret and purpose. */
  keyFor(purpose: KeyPurpose): Uint8Array;
}

export interface EdgeSecretOptions {
  /** Where `secret.key` lies; made when missing, 0700. Not looked at when a secret is given. */
  dataDir: string;
  /** `EDGE_SECRET_KEY`: 64 hex digits, which several edges share. */
  given?: string | undefined;
  randomBytes?: (size: number) => Uint8Array;
}

/** Null for everything but 64 hex digits. */
function parseSecret(text: string): Uint8Array | null {
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, "hex") : null;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function fsyncPath(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Null when there is no such file. */
function readSecretFile(path: string): Uint8Array | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
    chmodSync(path, 0o600);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  const secret = parseSecret(text);
  if (secret !== null) return secret;
  throw new FleetError("invalid_input", `Cannot use ${path}: it is not 64 hex digits`, {
    hint: "Put the file back from a backup, or remove it: a new one is made, and what the old one sealed is lost.",
  });
}

/** Whole and on the disk before it has its name; whoever comes second keeps the first one's. */
function makeSecretFile(dataDir: string, secret: Uint8Array): void {
  const temporary = join(dataDir, `${FILE_NAME}.${randomUUID()}`);
  const handle = openSync(temporary, "wx", 0o600);
  try {
    try {
      writeSync(handle, `${Buffer.from(secret).toString("hex")}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    linkSync(temporary, join(dataDir, FILE_NAME));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    unlinkSync(temporary);
  }
  fsyncPath(dataDir);
}

function openSecretFile({ dataDir, randomBytes = cryptoRandomBytes }: EdgeSecretOptions): Uint8Array {
  const path = join(dataDir, FILE_NAME);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const existing = readSecretFile(path);
  if (existing !== null) return existing;
  makeSecretFile(dataDir, randomBytes(SECRET_BYTES));
  const made = readSecretFile(path);
  if (made === null) throw new Error(`${path} is gone as soon as it was made`);
  return made;
}

function requireGiven(text: string): Uint8Array {
  const secret = parseSecret(text);
  if (secret !== null) return secret;
  throw new FleetError("invalid_input", "Cannot use EDGE_SECRET_KEY: it is not 64 hex digits", {
    hint: "Make one with `openssl rand -hex 32`, or name the secret.key of another edge: EDGE_SECRET_KEY=file:PATH.",
  });
}

/** @throws FleetError `invalid_input` when the given secret or the file is none; the system's error when there can be no file. */
export function openEdgeSecret(options: EdgeSecretOptions): EdgeSecret {
  const secret = options.given === undefined ? openSecretFile(options) : requireGiven(options.given);
  return {
    // The secret is random in every bit: a salt would add nothing.
    keyFor: (purpose) => new Uint8Array(hkdfSync("sha256", secret, "", `comfyfleet ${purpose} v1`, SECRET_BYTES)),
  };
}
