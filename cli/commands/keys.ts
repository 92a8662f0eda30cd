/** `comfyfleet keys create|ls|revoke`. */
import { parseApiKey } from "../../contracts/api-key.ts";
import { FleetError } from "../../contracts/errors.ts";
import { KeyId, TenantId } from "../../contracts/ids.ts";
import { type ApiKey, Scope } from "../../contracts/tenant.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { EXIT } from "../output/exit-codes.ts";
import { type PageFlags, printPage } from "../page.ts";
import { table } from "../output/table.ts";

export interface KeysFlags {
  url?: string;
  /** The key to sign in with. */
  key?: string;
}

export interface CreateKeyFlags extends KeysFlags {
  name?: string;
  tenant?: string;
  scope?: string[];
}

function parseScopes(names: readonly string[]): Scope[] {
  return names.flatMap((name) => name.split(",")).map((name) => {
    const scope = Scope.safeParse(name.trim());
    if (scope.success) return scope.data;
    throw new FleetError("invalid_input", `Cannot make the key: '${name}' is no scope`, {
      hint: `Scopes are ${Scope.options.join(", ")}.`,
    });
  });
}

function parseTenant(text: string): TenantId {
  const tenant = TenantId.safeParse(text);
  if (tenant.success) return tenant.data;
  throw new FleetError("invalid_input", `Cannot make the key: '${text}' is no tenant id`, {
    hint: "Tenant ids begin with 'tenant_'; leave --tenant out for your own.",
  });
}

export async function createKey(context: CliContext, flags: CreateKeyFlags): Promise<number> {
  const input = {
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.tenant === undefined ? {} : { tenantId: parseTenant(flags.tenant) }),
    ...(flags.scope === undefined ? {} : { scopes: parseScopes(flags.scope) }),
  };
  const made = context.fleet(flags).call((trpc) => trpc.keys.create.mutate(input));
  const key = await orAborted(made, context.interrupted);
  context.render.say(`Key ${key.id} with ${key.scopes.join(", ")}. It is shown once:`);
  context.render.result(key, key.key);
  return EXIT.ok;
}

function row({ id, name, scopes, createdAt, revokedAt }: ApiKey): string[] {
  return [id, name || "-", revokedAt ? `revoked ${revokedAt}` : "in force", createdAt, scopes.join(",")];
}

export async function listKeys(context: CliContext, flags: PageFlags): Promise<number> {
  const { limit, cursor } = flags;
  const listed = context.fleet(flags).call((trpc) => trpc.keys.list.query({ limit, cursor }));
  const page = await orAborted(listed, context.interrupted);
  const rows = [["ID", "NAME", "STATE", "CREATED", "SCOPES"], ...page.items.map(row)];
  return printPage(context, page, { text: table(rows) });
}

/** A key's id, or the whole key. Nothing less: what is revoked stays so. */
function keyIdOf(text: string): KeyId {
  const id = KeyId.safeParse(text).data ?? parseApiKey(text)?.keyId;
  if (id !== undefined) return id;
  throw new FleetError("invalid_input", "Cannot revoke the key: this is neither a key's id nor a key", {
    hint: "'keys ls' shows the ids, key_….",
  });
}

export async function revokeKey(context: CliContext, wanted: string, flags: KeysFlags): Promise<number> {
  const keyId = keyIdOf(wanted);
  const revoked = context.fleet(flags).call((trpc) => trpc.keys.revoke.mutate({ keyId }));
  const key = await orAborted(revoked, context.interrupted);
  context.render.result(key, `${key.id} is revoked since ${key.revokedAt}; other edges follow within five seconds`);
  return EXIT.ok;
}
