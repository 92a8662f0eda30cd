/**
 * What tailscaled says on its LocalAPI (v1.100 and newer), as far as it is used here: minimal and nullish, because it is
 * another's program of another version.
 */
import { z } from "zod";
import { Role } from "./words.ts";

const Strings = z.array(z.string()).nullish().transform((items) => items ?? []);

/** A node as `/status` and the bus's first line have it. */
export const PeerStatus = z.object({
  /** StableID: the node's identity as long as it is enrolled. */
  ID: z.string(),
  /** What `PeersRemoved` names. */
  NodeID: z.number().nullish(),
  HostName: z.string().nullish(),
  DNSName: z.string().nullish(),
  TailscaleIPs: Strings,
  Tags: Strings,
  Online: z.boolean().nullish(),
  /** Endpoint of the direct path; empty: none. */
  CurAddr: z.string().nullish(),
  /** Code of the DERP region in use or at hand. */
  Relay: z.string().nullish(),
});
export type PeerStatus = z.infer<typeof PeerStatus>;

export const DaemonStatus = z.object({
  Version: z.string().nullish(),
  /** `NeedsLogin`, `Starting`, `Running`, `Stopped` and others. */
  BackendState: z.string(),
  /** A network device of the kernel's, instead of userspace mode. */
  TUN: z.boolean().nullish(),
  TailscaleIPs: Strings,
  Self: PeerStatus.nullish(),
  /** Sentences about what is wrong. */
  Health: Strings,
  Peer: z.record(z.string(), PeerStatus).nullish().transform((peers) => Object.values(peers ?? {})),
});
export type DaemonStatus = z.infer<typeof DaemonStatus>;

/** A node as the bus's later lines have it; addresses are prefixes such as `100.64.0.2/32`. */
export const BusNode = z.object({
  ID: z.number(),
  StableID: z.string(),
  Name: z.string().nullish(),
  Addresses: Strings,
  Tags: Strings,
  Online: z.boolean().nullish(),
  /** A new one for each process of its daemon. */
  DiscoKey: z.string().nullish(),
  Hostinfo: z.object({ Hostname: z.string().nullish() }).nullish(),
});
export type BusNode = z.infer<typeof BusNode>;

/** One line of `watch-ipn-bus`. With `SelfChange`, `PeersChanged` is the whole list; without it, a difference. */
export const BusLine = z.object({
  InitialStatus: DaemonStatus.nullish(),
  State: z.number().nullish(),
  SelfChange: z.unknown().optional(),
  PeersChanged: z.array(BusNode).nullish(),
  /** `NodeID`s. */
  PeersRemoved: z.array(z.number()).nullish(),
  ErrMessage: z.string().nullish(),
});
export type BusLine = z.infer<typeof BusLine>;

/** One grant's value of our capability; roles of later versions are left out. */
const Grant = z.object({
  roles: z.array(z.unknown()).nullish().transform((roles) =>
    (roles ?? []).flatMap((role) => {
      const parsed = Role.safeParse(role);
      return parsed.success ? [parsed.data] : [];
    })
  ),
});

export const Whois = z.object({
  Node: z.object({ StableID: z.string(), Name: z.string().nullish(), Tags: Strings }),
  UserProfile: z.object({ LoginName: z.string().nullish() }).nullish(),
  CapMap: z.record(z.string(), z.array(z.unknown()).nullish()).nullish(),
});
export type Whois = z.infer<typeof Whois>;

/** Union of the roles over all grants of the capability. */
export function rolesOf({ CapMap }: Whois, capability: string): ReadonlySet<Role> {
  const grants = CapMap?.[capability] ?? [];
  return new Set(grants.flatMap((grant) => Grant.safeParse(grant).data?.roles ?? []));
}

export const PingResult = z.object({
  Err: z.string().nullish(),
  LatencySeconds: z.number().nullish(),
  /** Of the direct path. */
  Endpoint: z.string().nullish(),
  PeerRelay: z.string().nullish(),
  DERPRegionCode: z.string().nullish(),
});
export type PingResult = z.infer<typeof PingResult>;
