/** Which control server the edge asks, and what it does about pods there. */
import type { PodId } from "../contracts/ids.ts";
import type { Config } from "./config.ts";
import { createEnrollment, type Enrollment, type EnrollmentOptions } from "./enrollment/enrollment.ts";
import { createHeadscaleApi } from "./enrollment/headscale-api.ts";
import type { ControlApi } from "./enrollment/port.ts";
import { createTailscaleApi } from "./enrollment/tailscale-api.ts";
import type { PodSessions } from "./pods/port.ts";
import type { SessionDeps } from "./pods/session-port.ts";

/** Null where none is configured. */
export function composeControlApi(config: Config, { clock }: Pick<SessionDeps, "clock">): ControlApi | null {
  const deps = { fetch: globalThis.fetch, clock };
  const { HEADSCALE_URL: url, HEADSCALE_API_KEY: apiKey } = config;
  if (url !== undefined && apiKey !== undefined) return createHeadscaleApi({ url, apiKey, ...deps });
  const { TAILSCALE_OAUTH_CLIENT_ID: clientId, TAILSCALE_OAUTH_CLIENT_SECRET: clientSecret } = config;
  if (clientId === undefined || clientSecret === undefined) return null;
  const { TAILSCALE_API_URL, TAILSCALE_TAILNET: tailnet } = config;
  return createTailscaleApi({ url: TAILSCALE_API_URL, tailnet, clientId, clientSecret, ...deps });
}

interface EnrollmentParts extends Pick<SessionDeps, "signals" | "clock" | "logger" | "edgeId"> {
  store: EnrollmentOptions["store"];
  sessions: Pick<PodSessions, "remove">;
  control: ControlApi | null;
  isStatic(podId: PodId): boolean;
}

export function composeEnrollment(config: Config, parts: EnrollmentParts): Enrollment {
  const { sessions, logger } = parts;
  return createEnrollment({
    ...parts,
    forget: async (podId) => void await sessions.remove(podId),
    isOnTailnet: config.TS_SOCKET !== undefined,
    orphanGraceMs: config.TAILNET_ORPHAN_GRACE_MS,
    logger: logger.child("enrollment"),
  });
}
