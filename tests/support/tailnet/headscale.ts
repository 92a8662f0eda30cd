/** A real headscale in a folder of its own, with its embedded relay, and its life in the test's hands. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { freePort } from "../fleet/free-port.ts";
import { type ManagedProcess, manageProcess } from "../fleet/process.ts";
import { until } from "../fleet/until.ts";
import { headscaleConfig } from "./headscale-config.ts";

const Node = z.object({
  /** What tailscaled calls the StableID. */
  id: z.string(),
  /** With a number behind it where another node has the name. */
  givenName: z.string(),
  name: z.string(),
  online: z.boolean(),
  tags: z.array(z.string()).nullish().transform((tags) => tags ?? []),
});
export type HeadscaleNode = z.infer<typeof Node>;

export interface KeyOptions {
  /** @default ["tag:pod"] */
  tags?: readonly string[];
  /** Of a person instead of a tag. */
  user?: string;
  /** @default true */
  ephemeral?: boolean;
  /** @default 15 minutes from now */
  expiresInMs?: number;
}

export interface Headscale extends AsyncDisposable {
  readonly url: string;
  readonly apiKey: string;
  readonly process: ManagedProcess;
  /** Single-use. */
  mint(options?: KeyOptions): Promise<string>;
  nodes(): Promise<HeadscaleNode[]>;
  deleteNode(id: string): Promise<void>;
  addUser(name: string): Promise<void>;
  /** Writes the policy and has it read again; resolves when headscale has said what it made of it. */
  setPolicy(text: string): Promise<{ taken: boolean }>;
  /** `headscale policy check`, with the nodes that are there. */
  checkPolicy(text: string): Promise<{ ok: boolean; said: string }>;
  /** Starts it again after a kill, and waits until it answers. */
  restart(): Promise<void>;
}

export interface HeadscaleOptions {
  dir: string;
  binaries: string;
  /** Address of this machine as the nodes see it. */
  host: string;
  policy: string;
}

const SHIPPED_POLICY = new URL("../../../docker/tailnet/policy.headscale.hujson", import.meta.url);

/** The policy that is shipped for headscale. */
export const shippedPolicy = (): string => readFileSync(SHIPPED_POLICY, "utf8");

const MAX_ANSWER_MS = 10_000;

export async function startHeadscale({ dir, binaries, host, policy }: HeadscaleOptions): Promise<Headscale> {
  const [port, stunPort] = [await freePort(), await freePort()];
  const url = `http://${host}:${port}`;
  const [configPath, policyPath] = [join(dir, "headscale.json"), join(dir, "policy.hujson")];
  writeFileSync(policyPath, policy);
  writeFileSync(configPath, headscaleConfig({ dir, host, port, stunPort, policyPath }));
  const program = join(binaries, "headscale");
  const env = { PATH: process.env.PATH, HOME: dir };
  const server = manageProcess({
    command: [program, "--config", configPath, "serve"],
    ...{ env, logPath: join(dir, "headscale.log") },
  });

  async function run(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(program, ["--config", configPath, ...args], { env, timeout: 20_000 });
    return stdout.trim();
  }

  async function healthy(): Promise<void> {
    await until(`headscale to answer; it says: ${server.log().slice(-2_000)}`, async () => {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
      return response?.ok || null;
    });
  }

  await healthy();
  const apiKey = await run("apikeys", "create", "--expiration", "24h");

  async function api<T>(method: string, path: string, { body, schema }: { body?: unknown; schema: z.ZodType<T> }) {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(MAX_ANSWER_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`headscale answers ${method} ${path} with ${response.status}: ${text}`);
    return schema.parse(JSON.parse(text));
  }

  async function userId(name: string): Promise<string> {
    const schema = z.object({ users: z.array(z.object({ id: z.string(), name: z.string() })) });
    const { users } = await api("GET", "user", { schema });
    const found = users.find((user) => user.name === name);
    if (!found) throw new Error(`headscale knows no user '${name}'`);
    return found.id;
  }

  return {
    ...{ url, apiKey, process: server },
    async mint({ tags = ["tag:pod"], user, ephemeral = true, expiresInMs = 900_000 } = {}) {
      const who = user === undefined ? { aclTags: tags } : { user: await userId(user) };
      const expiration = new Date(Date.now() + expiresInMs).toISOString();
      const schema = z.object({ preAuthKey: z.object({ key: z.string() }) });
      const body = { reusable: false, ephemeral, expiration, ...who };
      return (await api("POST", "preauthkey", { body, schema })).preAuthKey.key;
    },
    async nodes() {
      return (await api("GET", "node", { schema: z.object({ nodes: z.array(Node) }) })).nodes;
    },
    async deleteNode(id) {
      await api("DELETE", `node/${id}`, { schema: z.unknown() });
    },
    async addUser(name) {
      await api("POST", "user", { body: { name }, schema: z.unknown() });
    },
    async setPolicy(text) {
      const before = server.log().length;
      writeFileSync(policyPath, text);
      process.kill(server.pid, "SIGHUP");
      return await until("headscale to read its policy again", () => {
        const said = server.log().slice(before);
        if (/reload.*polic.*(fail|err)|(fail|err|ERR).*polic/i.test(said)) return { taken: false };
        return /polic.*reload|reload.*polic/i.test(said) ? { taken: true } : null;
      });
    },
    async checkPolicy(text) {
      const path = join(dir, "checked.hujson");
      writeFileSync(path, text);
      try {
        return { ok: true, said: await run("policy", "check", "--file", path) };
      } catch (error) {
        return { ok: false, said: error instanceof Error ? error.message : String(error) };
      }
    },
    async restart() {
      server.start();
      await healthy();
    },
    async [Symbol.asyncDispose]() {
      await server.terminate().catch(() => server.kill());
    },
  };
}
