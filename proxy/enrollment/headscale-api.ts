/** Headscale's API, `/api/v1` of 0.29: a key of `headscale apikeys create` as bearer. Ids are decimal strings. */
import { z } from "zod";
import type { Clock } from "../time/clock.ts";
import { createControlHttp } from "./control-http.ts";
import type { ControlApi } from "./port.ts";

export interface HeadscaleOptions {
  /** Its `server_url`, where daemons join too. */
  url: string;
  apiKey: string;
  fetch: typeof fetch;
  clock: Clock;
}

const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const Minted = z.object({ preAuthKey: z.object({ id: z.string(), key: z.string().min(1), expiration: Instant }) });

const Nodes = z.object({
  nodes: z.array(z.object({
    id: z.string(),
    name: z.string().nullish(),
    tags: z.array(z.string()).nullish(),
    createdAt: Instant,
    lastSeen: Instant.nullish(),
    online: z.boolean().nullish(),
    preAuthKey: z.object({ id: z.string() }).nullish(),
  })).nullish(),
});

const Policy = z.object({ policy: z.string() });

export function createHeadscaleApi({ url, apiKey, fetch, clock }: HeadscaleOptions): ControlApi {
  const loginUrl = url.replace(/\/+$/, "");
  const http = createControlHttp({
    baseUrl: `${loginUrl}/api/v1`,
    name: "headscale",
    credentials: "Check HEADSCALE_API_KEY; 'headscale apikeys create' makes another.",
    fetch,
    clock,
    signIn: () => Promise.resolve({ authorization: `Bearer ${apiKey}` }),
  });
  return {
    kind: "headscale",
    loginUrl,
    async mintKey({ tag, ttlMs }, signal) {
      // Without `expiration` headscale makes a key that has expired already.
      const expiration = new Date(clock.nowMs() + ttlMs).toISOString();
      const json = { reusable: false, ephemeral: true, aclTags: [tag], expiration };
      const { preAuthKey } = await http.json({ method: "POST", path: "/preauthkey", json }, Minted, signal);
      return { id: preAuthKey.id, key: preAuthKey.key, expiresAtMs: preAuthKey.expiration };
    },
    async revokeKey(id, signal) {
      // Expired and not deleted: a device that joined with it keeps saying which key that was.
      await http.text({ method: "POST", path: "/preauthkey/expire", json: { id } }, signal);
    },
    async listDevices(signal) {
      const { nodes } = await http.json({ method: "GET", path: "/node" }, Nodes, signal);
      return (nodes ?? []).map(({ id, name, tags, createdAt, lastSeen, online, preAuthKey }) => ({
        id,
        hostname: name ?? "",
        tags: tags ?? [],
        createdAtMs: createdAt,
        lastSeenAtMs: lastSeen ?? null,
        online: online ?? null,
        joinedWith: preAuthKey ? { keyId: preAuthKey.id } : "no-key",
      }));
    },
    async deleteDevice(id, signal) {
      return await http.text({ method: "DELETE", path: `/node/${encodeURIComponent(id)}` }, signal) !== null;
    },
    policy: async (signal) => (await http.json({ method: "GET", path: "/policy" }, Policy, signal)).policy,
  };
}
