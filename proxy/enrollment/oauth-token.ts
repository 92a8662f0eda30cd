/** An OAuth access token by client credentials, kept until shortly before it ends and asked for once at a time. */
import { z } from "zod";
import type { Clock } from "../time/clock.ts";
import type { ControlHttp } from "./control-http.ts";

export interface OAuthToken {
  /** @throws FleetError `tailnet_unavailable` */
  get(signal: AbortSignal): Promise<string>;
  /** Forgets the one that is kept; false when there is none. */
  drop(): boolean;
}

export interface OAuthTokenOptions {
  http: ControlHttp;
  clientId: string;
  clientSecret: string;
  clock: Clock;
}

/** A token is not used in its last minute, nor longer than this where its life is not told. */
const MARGIN_MS = 60_000;
const UNTOLD_LIFE_S = 300;

const Granted = z.object({ access_token: z.string().min(1), expires_in: z.number().min(0).nullish() });

export function createOAuthToken({ http, clientId, clientSecret, clock }: OAuthTokenOptions): OAuthToken {
  let kept: { token: string; untilMs: number } | null = null;
  let asking: Promise<string> | null = null;

  async function ask(signal: AbortSignal): Promise<string> {
    const askedMs = clock.monotonicMs();
    const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
    const granted = await http.json({ method: "POST", path: "/api/v2/oauth/token", form }, Granted, signal);
    const lifeMs = (granted.expires_in ?? UNTOLD_LIFE_S) * 1_000;
    // Of a life under two minutes half is used.
    kept = { token: granted.access_token, untilMs: askedMs + Math.max(lifeMs - MARGIN_MS, lifeMs / 2) };
    return granted.access_token;
  }

  return {
    async get(signal) {
      if (kept !== null && clock.monotonicMs() < kept.untilMs) return kept.token;
      // Whoever asked first may give up: the others then ask for themselves.
      if (asking !== null) return await asking.catch(() => ask(signal));
      asking = ask(signal);
      try {
        return await asking;
      } finally {
        asking = null;
      }
    },
    drop() {
      const had = kept !== null;
      kept = null;
      return had;
    },
  };
}
