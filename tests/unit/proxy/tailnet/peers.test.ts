import { describe, expect, it } from "vitest";
import { createPeerSet } from "../../../../proxy/tailnet/peers.ts";
import { lineOf, nodeOf, statusOf } from "./scripted-daemon.ts";

const A = { id: 2, host: "a" };
const B = { id: 3, host: "b" };
const C = { id: 4, host: "c" };

function setOf(...nodes: { id: number; host: string }[]) {
  const set = createPeerSet();
  set.apply(lineOf({ InitialStatus: wire(nodes) }));
  return set;
}

function wire(nodes: { id: number; host: string }[], change: Record<string, unknown> = {}) {
  const { Peer, ...status } = statusOf(nodes, change);
  return { ...status, Peer: Object.fromEntries(Peer.map((peer) => [peer.ID, peer])) };
}

const ids = (set: ReturnType<typeof createPeerSet>) => set.all().map(({ stableId }) => stableId).toSorted();

describe("createPeerSet()", () => {
  it("takes the first line's picture, then what changes, in the shapes that both have", () => {
    const set = setOf(A);
    expect(set.get("n2")).toEqual({
      stableId: "n2",
      nodeId: 2,
      hostName: "a",
      ip: "100.64.0.2",
      tags: ["tag:pod"],
      online: true,
      discoKey: null,
    });
    const { seen } = set.apply(lineOf({ PeersChanged: [nodeOf({ ...B, online: false })] }));
    expect(seen).toEqual([{
      stableId: "n3",
      nodeId: 3,
      hostName: "b",
      ip: "100.64.0.3",
      tags: ["tag:pod"],
      online: false,
      discoKey: "disco:3",
    }]);
    expect(ids(set)).toEqual(["n2", "n3"]);
  });

  it("drops what PeersRemoved names, also twice and of nodes that it never knew", () => {
    const set = setOf(A, B);
    expect(set.apply(lineOf({ PeersRemoved: [2, 99] })).left.map(({ stableId }) => stableId)).toEqual(["n2"]);
    expect(set.apply(lineOf({ PeersRemoved: [2] })).left).toEqual([]);
    expect(ids(set)).toEqual(["n3"]);
  });

  it("drops what a line with SelfChange does not list: there PeersChanged is everybody", () => {
    const set = setOf(A, B);
    const { left, seen } = set.apply(lineOf({ SelfChange: { ID: 1 }, PeersChanged: [nodeOf(B), nodeOf(C)] }));
    expect(left.map(({ stableId }) => stableId)).toEqual(["n2"]);
    expect(seen.map(({ stableId }) => stableId)).toEqual(["n3", "n4"]);
    set.apply(lineOf({ SelfChange: { ID: 1 } }));
    expect(ids(set)).toEqual([]);
  });

  it("drops nobody for a line without SelfChange that lists a few", () => {
    const set = setOf(A, B);
    set.apply(lineOf({ PeersChanged: [nodeOf(B)] }));
    expect(ids(set)).toEqual(["n2", "n3"]);
  });

  it("keeps everybody while the daemon is not running, and offline ones always", () => {
    const set = setOf(A, B);
    set.apply(lineOf({ InitialStatus: wire([], { BackendState: "Starting" }) }));
    set.apply(lineOf({ PeersChanged: [nodeOf({ ...A, online: false })] }));
    expect(ids(set)).toEqual(["n2", "n3"]);
    expect(set.replaceBy(statusOf([B])).left.map(({ stableId }) => stableId)).toEqual(["n2"]);
  });

  it("says nothing of a node that is as it was, and keeps the process's key that the status lacks", () => {
    const set = createPeerSet();
    set.apply(lineOf({ PeersChanged: [nodeOf(A)] }));
    expect(set.replaceBy(statusOf([A]))).toEqual({ seen: [], left: [] });
    expect(set.get("n2")?.discoKey).toBe("disco:2");
    expect(set.apply(lineOf({ PeersChanged: [nodeOf({ ...A, discoKey: "other" })] })).seen).toHaveLength(1);
  });

  it("names a node without a host name by the first part of its DNS name, and leaves out one without an address", () => {
    const set = createPeerSet();
    set.apply(lineOf({
      PeersChanged: [{ ...nodeOf(A), Hostinfo: null }, { ...nodeOf(B), Addresses: [] }],
    }));
    expect(set.all().map(({ hostName }) => hostName)).toEqual(["a"]);
  });
});
