/** The other nodes as the daemon's bus tells of them. Keyed by StableID: a name is only what a node asked for. No I/O. */
import type { BusLine, BusNode, DaemonStatus, PeerStatus } from "../../contracts/tailnet/local-api-schemas.ts";

export interface TailnetPeer {
  stableId: string;
  /** What `PeersRemoved` names; null from a daemon that does not say. */
  nodeId: number | null;
  hostName: string;
  /** Where it is dialled. */
  ip: string;
  tags: readonly string[];
  /** Connected to control, which says nothing about whether it can be reached. */
  online: boolean;
  /** Another one: its daemon is another process, which knows nothing of connections from before. Null: not told. */
  discoKey: string | null;
}

export interface PeerChanges {
  /** New, or with anything changed. */
  seen: TailnetPeer[];
  left: TailnetPeer[];
}

export interface PeerSet {
  get(stableId: string): TailnetPeer | undefined;
  all(): TailnetPeer[];
  apply(line: BusLine): PeerChanges;
  /** The whole picture. A daemon that is not `Running` knows of nobody, so only one that is takes peers away. */
  replaceBy(status: DaemonStatus): PeerChanges;
}

function firstLabel(name: string | null | undefined): string {
  return name?.split(".", 1)[0] ?? "";
}

function ofStatus(peer: PeerStatus, before: TailnetPeer | undefined): TailnetPeer | null {
  const [ip] = peer.TailscaleIPs;
  if (ip === undefined) return null;
  return {
    stableId: peer.ID,
    nodeId: peer.NodeID ?? before?.nodeId ?? null,
    hostName: peer.HostName || firstLabel(peer.DNSName),
    ip,
    tags: peer.Tags,
    online: peer.Online ?? false,
    // The status has none.
    discoKey: before?.discoKey ?? null,
  };
}

function ofNode(node: BusNode, before: TailnetPeer | undefined): TailnetPeer | null {
  const ip = node.Addresses[0]?.split("/", 1)[0];
  if (ip === undefined) return null;
  return {
    stableId: node.StableID,
    nodeId: node.ID,
    hostName: node.Hostinfo?.Hostname || firstLabel(node.Name),
    ip,
    tags: node.Tags,
    online: node.Online ?? false,
    discoKey: node.DiscoKey ?? before?.discoKey ?? null,
  };
}

function isEqual(a: TailnetPeer, b: TailnetPeer): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function createPeerSet(): PeerSet {
  const peers = new Map<string, TailnetPeer>();

  function upsert(next: (TailnetPeer | null)[]): TailnetPeer[] {
    const seen: TailnetPeer[] = [];
    for (const peer of next) {
      if (peer === null) continue;
      const before = peers.get(peer.stableId);
      if (before && isEqual(before, peer)) continue;
      peers.set(peer.stableId, peer);
      seen.push(peer);
    }
    return seen;
  }

  function drop(isGone: (peer: TailnetPeer) => boolean): TailnetPeer[] {
    const left = [...peers.values()].filter(isGone);
    for (const { stableId } of left) peers.delete(stableId);
    return left;
  }

  /** @param isWhole those are all there are */
  function take(next: (TailnetPeer | null)[], isWhole: boolean): PeerChanges {
    const there = new Set(next.map((peer) => peer?.stableId));
    const left = isWhole ? drop(({ stableId }) => !there.has(stableId)) : [];
    return { seen: upsert(next), left };
  }

  function replaceBy({ Peer, BackendState }: DaemonStatus): PeerChanges {
    return take(Peer.map((peer) => ofStatus(peer, peers.get(peer.ID))), BackendState === "Running");
  }

  return {
    get: (stableId) => peers.get(stableId),
    all: () => [...peers.values()],
    replaceBy,
    apply(line) {
      const first = line.InitialStatus ? replaceBy(line.InitialStatus) : { seen: [], left: [] };
      // Removals come in two shapes: as ids, and, where the daemon speaks of itself too, as a whole list without them.
      const nodes = (line.PeersChanged ?? []).map((node) => ofNode(node, peers.get(node.StableID)));
      const { seen, left } = take(nodes, Boolean(line.SelfChange));
      const removed = new Set(line.PeersRemoved ?? []);
      const gone = removed.size === 0 ? [] : drop(({ nodeId }) => nodeId !== null && removed.has(nodeId));
      return { seen: [...first.seen, ...seen], left: [...first.left, ...left, ...gone] };
    },
  };
}
