/** The secrets of a fleet on one machine, minted once and kept in its data folder (0600). */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { typeid } from "typeid-js";
import { z } from "zod";
import { formatApiKey } from "../../contracts/api-key.ts";
import { FleetError } from "../../contracts/errors.ts";
import { KeyId } from "../../contracts/ids.ts";
import { readCredentials } from "../credentials.ts";
import { makeFolder } from "../files/make-folder.ts";

const Secrets = z.object({ agentSecret: z.string().min(32), apiKey: z.string() });
export type LocalSecrets = z.infer<typeof Secrets> & {
  /** True when the key was minted by this call. */ minted: boolean;
};

function mintApiKey(): string {
  const keyId = KeyId.parse(typeid("key").toString());
  return formatApiKey({ keyId, secret: randomBytes(32).toString("base64url") });
}

function readSecrets(path: string): LocalSecrets {
  try {
    return { ...Secrets.parse(JSON.parse(readFileSync(path, "utf8"))), minted: false };
  } catch (cause) {
    throw new FleetError("invalid_input", `Cannot read '${path}'`, {
      hint: "It holds the key of this fleet: mend it, or move it away to have one made or found again.",
      cause,
    });
  }
}

/** The agent's secret may change with any start; the key may not: the edge's store knows it. @throws FleetError `invalid_input` */
export function loadSecrets(dataDir: string): LocalSecrets {
  const path = join(dataDir, "secrets.json");
  if (existsSync(path)) return readSecrets(path);
  const known = readCredentials(dataDir)?.apiKey;
  const secrets = { agentSecret: randomBytes(32).toString("base64url"), apiKey: known ?? mintApiKey() };
  try {
    makeFolder(dataDir, 0o700);
    writeFileSync(path, `${JSON.stringify(secrets)}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new FleetError("invalid_input", `Cannot write to '${dataDir}'`, {
      hint: `${cause instanceof Error ? cause.message : ""}. Name another folder with --data.`,
      cause,
    });
  }
  return { ...secrets, minted: known === undefined };
}
