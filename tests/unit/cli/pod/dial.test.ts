import { describe, expect, it } from "vitest";
import { addressOf } from "../../../../cli/pod/dial.ts";
import { parsePodHost } from "../../../../cli/pod/target.ts";
import { PeerStatus } from "../../../../contracts/tailnet/local-api-schemas.ts";

function peer(number: number, HostName: string, label: string) {
  const TailscaleIPs = [`100.64.0.${number}`, `fd7a:115c:a1e0::${number}`];
  return PeerStatus.parse({ ID: String(number), HostName, DNSName: `${label}.tail.test.`, TailscaleIPs });
}

const Peer = [
  peer(1, "edge", "edge"),
  peer(2, "pod-a", "pod-a"),
  peer(3, "pod-a", "pod-a-1"),
  peer(4, "twin", "x"),
  peer(5, "twin", "y"),
];

describe("addressOf()", () => {
  it.each([
    ["100.64.0.3", "100.64.0.3"],
    ["fd7a:115c:a1e0::3", "100.64.0.3"],
    ["pod-a.tail.test", "100.64.0.2"],
    ["pod-a.tail.test.", "100.64.0.2"],
    ["POD-A", "100.64.0.2"],
    ["pod-a-1", "100.64.0.3"],
  ])("finds '%s'", (host, address) => {
    expect(addressOf(host, { Peer })).toBe(address);
  });

  it("does not guess between two that call themselves the same", () => {
    expect(() => addressOf("twin", { Peer })).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining("100.64.0.4, 100.64.0.5") }),
    );
  });

  it.each(["pod-b", "example.com", "127.0.0.1", "100.64.0.77"])("finds no '%s', and asks nobody else", (host) => {
    expect(() => addressOf(host, { Peer })).toThrow(expect.objectContaining({ code: "not_found" }));
  });
});

describe("parsePodHost()", () => {
  it.each([
    ["pod-1", { host: "pod-1", port: 8189 }],
    ["pod-1:9000", { host: "pod-1", port: 9000 }],
    ["100.64.0.7", { host: "100.64.0.7", port: 8189 }],
    ["fd7a:115c:a1e0::2", { host: "fd7a:115c:a1e0::2", port: 8189 }],
    ["[fd7a:115c:a1e0::2]:9000", { host: "fd7a:115c:a1e0::2", port: 9000 }],
  ])("reads %s", (text, read) => {
    expect(parsePodHost(text)).toEqual(read);
  });

  it.each(["", ":8189", "pod:0", "pod:70000"])("refuses '%s'", (text) => {
    expect(() => parsePodHost(text)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
