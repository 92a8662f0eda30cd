/** What the edge asks of a tailnet's control server: keys for pods, and the devices that joined with them. */

export interface MintedKey {
  /** By which the key is revoked; the key itself is kept nowhere. */
  id: string;
  /** Joins one ephemeral device, once. Shown to whoever asked, and to nobody else: not logged, not stored. */
  key: string;
  expiresAtMs: number;
}

export interface Device {
  /** The node's StableID. */
  id: string;
  /** What the node asked for; not unique and not to be trusted. */
  hostname: string;
  tags: readonly string[];
  createdAtMs: number;
  /** When the control server last heard of it; null where it does not say. */
  lastSeenAtMs: number | null;
  /** As the control server has it; null where it does not say. */
  online: boolean | null;
  joinedWith: JoinedWith;
}

/** The key that a device joined with; `no-key`: with none, or one that was deleted since; `untold`: nobody says. */
export type JoinedWith = { keyId: string } | "no-key" | "untold";

export interface MintKey {
  tag: string;
  ttlMs: number;
  /** For people who look at the control server: letters, digits, spaces and `-`, at most 50. */
  description: string;
}

/**
 * Every call has a deadline, ends with the signal, and is repeated a few times where that may help. Rejects with FleetError
 * `tailnet_unavailable`, whose message and cause hold no credential.
 */
export interface ControlApi {
  kind: "headscale" | "tailscale";
  /** Where a daemon is to join; null for Tailscale's own server, which it knows. */
  loginUrl: string | null;
  /** A key that joins one tagged, preauthorised, ephemeral device. */
  mintKey(wanted: MintKey, signal: AbortSignal): Promise<MintedKey>;
  /** From then on nobody joins with it; who has joined stays. An unknown key is fine. */
  revokeKey(id: string, signal: AbortSignal): Promise<void>;
  listDevices(signal: AbortSignal): Promise<Device[]>;
  /** Takes it off the tailnet. False: there is no such device. */
  deleteDevice(id: string, signal: AbortSignal): Promise<boolean>;
  /** The policy in force, as text (HuJSON). */
  policy(signal: AbortSignal): Promise<string>;
}
