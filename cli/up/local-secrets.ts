/** The secrets of a fleet on one machine, minted once and kept in its data folder (0600). */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { typeid } from "typeid-js";
import { z } from "zod";
import { formatApiKey } from "../../contracts/api-key.ts";
import { KeyId } from "../../contracts/ids.ts";

const Secrets = z.object({ agentSecret: z.string().min(32), apiKey: z.string() });
export type LocalSecrets = z.infer<typeof Secrets> & {
  /** True when they were minted by this call. */ minted: boolean;
};

function mintApiKey(): string {
  const keyId = KeyId.parse(typeid("key").toString());
  return formatApiKey({ keyId, secret: randomBytes(32).toString("base64url") });
}

export function loadSecrets(dataDir: string): LocalSecrets {
  const path = join(dataDir, "secrets.json");
  try {
    return { ...Secrets.parse(JSON.parse(readFileSync(path, "utf8"))), minted: false };
  } catch {
    const secrets = { agentSecret: randomBytes(32).toString("base64url"), apiKey: mintApiKey() };
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${JSON.stringify(secrets)}\n`, { mode: 0o600 });
    return { ...secrets, minted: true };
  }
}
