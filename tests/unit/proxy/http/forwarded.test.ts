import { describe, expect, it } from "vitest";
import { senderOf } from "../../../../proxy/http/forwarded.ts";
import { proxyList } from "../../../../proxy/proxy-list.ts";

const proxies = proxyList(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);

function sender(remote: string | null, headers: Record<string, string>, list = proxies) {
  return senderOf(list, { headers: new Headers({ host: "edge.internal:8080", ...headers }), remote });
}

describe("senderOf()", () => {
  it("believes nobody who is not on the list, and nobody at all without one", () => {
    const forged = { "x-forwarded-for": "1.1.1.1", "x-forwarded-proto": "https", "x-forwarded-host": "bank.example" };
    expect(sender("203.0.113.9", forged)).toEqual({ client: "203.0.113.9", origin: null });
    expect(sender("127.0.0.1", forged, proxyList([]))).toEqual({ client: "127.0.0.1", origin: null });
    expect(sender(null, forged)).toEqual({ client: null, origin: null });
  });

  it("takes client and origin from a trusted proxy", () => {
    expect(sender("127.0.0.1", {
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "fleet.example.com",
    })).toEqual({ client: "203.0.113.9", origin: "https://fleet.example.com" });
    expect(sender("10.1.2.3", { "x-forwarded-proto": "https", host: "fleet.example.com" })).toEqual({
      client: "10.1.2.3",
      origin: "https://fleet.example.com",
    });
  });

  it("goes back only as far as trusted proxies have written: what stood there before is the client's own word", () => {
    expect(sender("10.0.0.1", { "x-forwarded-for": "1.1.1.1, 203.0.113.9, 10.0.0.2" }).client).toBe("203.0.113.9");
    expect(sender("10.0.0.1", { "x-forwarded-for": "10.9.9.9, 203.0.113.9" }).client).toBe("203.0.113.9");
    expect(sender("10.0.0.1", { "x-forwarded-for": "not an address" }).client).toBe("10.0.0.1");
    expect(sender("10.0.0.1", { "x-forwarded-for": "10.0.0.3, 10.0.0.2" }).client).toBe("10.0.0.3");
  });

  it("takes of a list what the outermost trusted proxy wrote, not what a client put before it", () => {
    const forged = { "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "evil.example, fleet.example.com" };
    expect(sender("10.0.0.1", { ...forged, "x-forwarded-proto": "http, https" }).origin).toBe(
      "https://fleet.example.com",
    );
    const chain = { "x-forwarded-for": "203.0.113.9, 10.0.0.2", "x-forwarded-host": "fleet.example.com" };
    expect(sender("10.0.0.1", { ...chain, "x-forwarded-proto": "https, http" }).origin).toBe(
      "https://fleet.example.com",
    );
  });

  it.each(["a b", "user@host", "host/path", "host?x", "[::1", "http://x"])(
    "takes no origin from the host '%s'",
    (host) => {
      const headers = { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-forwarded-host": host };
      expect(sender("127.0.0.1", headers).origin).toBeNull();
    },
  );

  it("takes no origin of another kind than http", () => {
    const headers = { "x-forwarded-host": "fleet.example.com", "x-forwarded-proto": "javascript" };
    expect(sender("127.0.0.1", headers).origin).toBeNull();
  });

  it.each([
    ["::ffff:127.0.0.1", "203.0.113.9:5000", "203.0.113.9"],
    ["fd00::1", "[2001:db8::9]:443", "2001:db8::9"],
    ["fd00::1", "::ffff:203.0.113.9", "203.0.113.9"],
  ])("reads addresses as sockets and proxies write them: %s says %s", (remote, entry, client) => {
    expect(sender(remote, { "x-forwarded-for": entry }).client).toBe(client);
  });
});

describe("proxyList()", () => {
  it.each(["", "10.0.0.0/33", "fd00::/129", "proxy.example.com", "10.0.0.0/8/8"])("refuses '%s'", (network) => {
    expect(() => proxyList([network])).toThrow(RangeError);
  });
});
