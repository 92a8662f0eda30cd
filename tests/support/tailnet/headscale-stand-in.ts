// Headscale's API as version 0.29.2 answers it (recorded; tests/contract/tailnet runs the same cases against a real one).
import { type ApiAnswer, type ApiRequest, type ApiServer, serveApi } from "./api-server.ts";

export interface HeadscaleNode {
  id: string;
  name: string;
  tags: string[];
  online: boolean;
  lastSeen: string;
  createdAt: string;
  keyId: string | null;
}

export interface HeadscaleStandIn extends ApiServer {
  apiKey: string;
  keys: Map<string, { key: string; expiration: string; tags: string[]; ephemeral: boolean; reusable: boolean }>;
  nodes: HeadscaleNode[];
  policy: string;
}

const USER = { id: "2147455555", name: "tagged-devices", createdAt: "0001-01-01T00:00:00Z" };

function ok(body: unknown): ApiAnswer {
  return { status: 200, body };
}

/** @param now for the keys' times */
export async function headscaleStandIn(now: () => number = Date.now): Promise<HeadscaleStandIn> {
  const apiKey = "hskey-api-stand-in";
  const keys: HeadscaleStandIn["keys"] = new Map();
  const state = { nodes: [] as HeadscaleNode[], policy: '// ours\n{ "grants": [], }' };

  function mint({ body }: ApiRequest): ApiAnswer {
    const { reusable, ephemeral, aclTags, expiration } = JSON.parse(body);
    if (!aclTags.every((tag: string) => tag.startsWith("tag:"))) {
      return { status: 400, body: { code: 3, message: "tag must start with the string 'tag:'", details: [] } };
    }
    const id = String(keys.size + 1);
    const key = `hskey-auth-${id}-secret`;
    // Without it a real one makes a key that has expired already.
    keys.set(id, { key, expiration: expiration ?? "0001-01-01T00:00:00Z", tags: aclTags, ephemeral, reusable });
    const createdAt = new Date(now()).toISOString().replace("Z", "941489Z");
    return ok({
      preAuthKey: { user: null, id, key, reusable, ephemeral, used: false, expiration, createdAt, aclTags },
    });
  }

  function answer(request: ApiRequest): ApiAnswer {
    if (request.authorization !== `Bearer ${apiKey}`) return { status: 401, body: "Unauthorized" };
    switch (`${request.method} ${request.path}`) {
      case "POST /api/v1/preauthkey":
        return mint(request);
      case "POST /api/v1/preauthkey/expire": {
        const known = keys.get(JSON.parse(request.body).id);
        if (known) known.expiration = new Date(now()).toISOString();
        return ok({});
      }
      case "GET /api/v1/node":
        return ok({
          nodes: state.nodes.map(({ keyId, ...node }) => ({
            ...node,
            ipAddresses: ["100.64.0.1", "fd7a:115c:a1e0::1"],
            user: USER,
            expiry: null,
            preAuthKey: keyId === null ? null : { user: null, id: keyId, key: "hskey-auth-1nVjM0XDV28B-***" },
            registerMethod: "REGISTER_METHOD_AUTH_KEY",
            givenName: node.name,
          })),
        });
      case "GET /api/v1/policy":
        return ok({ policy: state.policy, updatedAt: null });
    }
    const id = /^\/api\/v1\/node\/(\d+)$/.exec(request.path)?.[1];
    const at = state.nodes.findIndex((node) => node.id === id);
    if (request.method === "DELETE" && at >= 0) {
      state.nodes.splice(at, 1);
      return ok({});
    }
    return { status: 404, body: { code: 5, message: "node not found", details: [] } };
  }

  const server = await serveApi(answer);
  return Object.assign(server, {
    apiKey,
    keys,
    nodes: state.nodes,
    get policy() {
      return state.policy;
    },
    set policy(text: string) {
      state.policy = text;
    },
  });
}
