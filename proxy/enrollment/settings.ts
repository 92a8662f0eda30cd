/** Which control server mints keys for pods: the variables, and what they must not be together. */
import { z } from "zod";

const url = z.url({ protocol: /^https?$/ });
const MAX_GRACE_MS = 7 * 86_400_000;

export const CONTROL_SETTINGS = {
  /** Headscale's `server_url`: its API is asked there, and pods join there. */
  HEADSCALE_URL: url.optional(),
  /** Of `headscale apikeys create`. */
  HEADSCALE_API_KEY: z.string().min(1).optional(),
  /** An OAuth client of Tailscale with the scopes `auth_keys` and `devices:core`. */
  TAILSCALE_OAUTH_CLIENT_ID: z.string().min(1).optional(),
  TAILSCALE_OAUTH_CLIENT_SECRET: z.string().min(1).optional(),
  TAILSCALE_API_URL: url.default("https://api.tailscale.com"),
  /** `-`: the tailnet that the client belongs to. */
  TAILSCALE_TAILNET: z.string().min(1).default("-"),
  /** How long a device that joined with a key of this fleet and is no pod of it may be offline before it is deleted. */
  TAILNET_ORPHAN_GRACE_MS: z.coerce.number().int().min(1_000).max(MAX_GRACE_MS).default(3_600_000),
};

const Settings = z.object(CONTROL_SETTINGS);
type ControlSettings = z.output<typeof Settings>;

/** Halves of credentials, and two control servers at once. */
export function refuseHalfControl(env: ControlSettings, ctx: z.RefinementCtx): void {
  const problem = (name: string, message: string) => ctx.addIssue({ code: "custom", path: [name], message });
  const pairs = [
    ["HEADSCALE_URL", "HEADSCALE_API_KEY"],
    ["TAILSCALE_OAUTH_CLIENT_ID", "TAILSCALE_OAUTH_CLIENT_SECRET"],
  ] as const;
  for (const [first, second] of pairs) {
    if ((env[first] === undefined) === (env[second] === undefined)) continue;
    const [missing, given] = env[first] === undefined ? [first, second] : [second, first];
    problem(missing, `expected beside ${given}`);
  }
  if (env.HEADSCALE_URL !== undefined && env.TAILSCALE_OAUTH_CLIENT_ID !== undefined) {
    problem("HEADSCALE_URL", "expected either headscale or TAILSCALE_OAUTH_CLIENT_ID, not both");
  }
}
