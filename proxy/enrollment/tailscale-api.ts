/**
 * Tailscale's API, `/api/v2`, signed in by an OAuth client with the scopes `auth_keys` and `devices:core` (and
 * `policy_file:read` to tell the policy) and a tag that owns those of the pods. The client's secret stays here.
 */
import { z } from "zod";
import type { Clock } from "../time/clock.ts";
import { createControlHttp } from "./control-http.ts";
import { createOAuthToken } from "./oauth-token.ts";
import type { ControlApi } from "./port.ts";

export interface TailscaleOptions {
  /** Of the API, e.g. `https://api.tailscale.com`. */
  url: string;
  /** Name of the tailnet; `-` is the one that the client belongs to. */
  tailnet: string;
  clientId: string;
  clientSecret: string;
  fetch: typeof fetch;
  clock: Clock;
}

const CREDENTIALS = "Check TAILSCALE_OAUTH_CLIENT_ID and _SECRET, the client's scopes (auth_keys, devices:core, " +
  "policy_file:read) and that its tag owns tag:pod and tag:dev-pod.";

const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const Minted = z.object({ id: z.string(), key: z.string().min(1), expires: Instant });

const Devices = z.object({
  devices: z.array(z.object({
    nodeId: z.string(),
    hostname: z.string().nullish(),
    tags: z.array(z.string()).nullish(),
    created: Instant,
    lastSeen: Instant.nullish(),
    connectedToControl: z.boolean().nullish(),
  })).nullish(),
});

export function createTailscaleApi(options: TailscaleOptions): ControlApi {
  const { clientId, clientSecret, fetch, clock } = options;
  const common = { baseUrl: options.url, name: "Tailscale", credentials: CREDENTIALS, fetch, clock };
  const unsigned = createControlHttp({ ...common, signIn: () => Promise.resolve({}) });
  const token = createOAuthToken({ http: unsigned, clientId, clientSecret, clock });
  const http = createControlHttp({
    ...common,
    signIn: async (signal) => ({ authorization: `Bearer ${await token.get(signal)}` }),
    signedOut: token.drop,
  });
  const tailnet = `/api/v2/tailnet/${encodeURIComponent(options.tailnet)}`;

  return {
    kind: "tailscale",
    loginUrl: null,
    async mintKey({ tag, ttlMs, description }, signal) {
      const create = { reusable: false, ephemeral: true, preauthorized: true, tags: [tag] };
      const json = { capabilities: { devices: { create } }, expirySeconds: Math.ceil(ttlMs / 1_000), description };
      const { id, key, expires } = await http.json({ method: "POST", path: `${tailnet}/keys`, json }, Minted, signal);
      return { id, key, expiresAtMs: expires };
    },
    async revokeKey(id, signal) {
      await http.text({ method: "DELETE", path: `${tailnet}/keys/${encodeURIComponent(id)}` }, signal);
    },
    async listDevices(signal) {
      const { devices } = await http.json({ method: "GET", path: `${tailnet}/devices` }, Devices, signal);
      return (devices ?? []).map(({ nodeId, hostname, tags, created, lastSeen, connectedToControl }) => ({
        id: nodeId,
        hostname: hostname ?? "",
        tags: tags ?? [],
        createdAtMs: created,
        lastSeenAtMs: lastSeen ?? null,
        online: connectedToControl ?? null,
        joinedWith: "untold",
      }));
    },
    async deleteDevice(id, signal) {
      return await http.text({ method: "DELETE", path: `/api/v2/device/${encodeURIComponent(id)}` }, signal) !== null;
    },
    async policy(signal) {
      return await http.text({ method: "GET", path: `${tailnet}/acl`, accept: "application/hujson" }, signal) ?? "";
    },
  };
}
