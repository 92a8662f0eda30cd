import { describe, expect, it } from "vitest";
import { createSkewProbe } from "../../../../contracts/tailnet/clock-skew.ts";
import { daemonArguments, daemonEnvironment, daemonFiles } from "../../../../contracts/tailnet/daemon.ts";

describe("daemonArguments()", () => {
  const args = daemonArguments(daemonFiles("/state/tailnet"));

  it("asks for userspace mode with everything in one folder", () => {
    expect(args).toEqual([
      "--tun=userspace-networking",
      "--state=/state/tailnet/tailscaled.state",
      "--statedir=/state/tailnet",
      "--socket=/state/tailnet/tailscaled.sock",
      expect.stringMatching(/^--port=[23]\d{4}$/),
      "--no-logs-no-support",
    ]);
    expect(daemonArguments(daemonFiles("/e"), { udpPort: 41_641 })).toContain("--port=41641");
  });

  it("comes back on the same UDP port, where its peers still look for it", () => {
    const portOf = (folder: string) => daemonArguments(daemonFiles(folder)).find((arg) => arg.startsWith("--port="));
    expect(portOf("/state/a")).toBe(portOf("/state/a"));
    expect(portOf("/state/a")).not.toBe(portOf("/state/b"));
  });

  it("opens no proxy, through which anybody here could go out", () => {
    expect(args.filter((arg) => /socks5|proxy/.test(arg))).toEqual([]);
  });
});

describe("daemonEnvironment()", () => {
  it("is minimal: no UDP port by accident, no proxy, no key", () => {
    const parent = {
      ...{ PATH: "/bin", HOME: "/home/x", PORT: "80", HTTPS_PROXY: "http://p", TS_AUTHKEY: "k", AGENT_SECRET: "s" },
      ...{ TS_SOCKET: "/other", TS_DEBUG_USE_DERP_HTTP: "1", TS_ASSUME_NETWORK_UP_FOR_TEST: "1", LANG: undefined },
    };
    expect(daemonEnvironment(parent)).toEqual({
      PATH: "/bin",
      HOME: "/home/x",
      TS_DEBUG_USE_DERP_HTTP: "1",
      TS_ASSUME_NETWORK_UP_FOR_TEST: "1",
      TS_NO_LOGS_NO_SUPPORT: "1",
      TS_NETSTACK_KEEPALIVE_IDLE: "60s",
      TS_NETSTACK_KEEPALIVE_INTERVAL: "15s",
    });
  });
});

describe("createSkewProbe()", () => {
  const at = Date.parse("2026-11-27T12:00:00Z");
  const probe = (answer: () => Promise<Response>, offMs = 0) => {
    let asked = 0;
    let nowMs = at + offMs;
    const skew = createSkewProbe({
      fetch() {
        asked++;
        return answer();
      },
      now: () => nowMs,
    });
    return { skew: () => skew(AbortSignal.timeout(1_000)), asked: () => asked, wait: (ms: number) => (nowMs += ms) };
  };
  const dated = () => Promise.resolve(new Response(null, { headers: { date: new Date(at).toUTCString() } }));

  it("tells how far ahead this clock is, and asks again after half a minute", async () => {
    const { skew, asked, wait } = probe(dated, 120_500);
    expect([await skew(), await skew(), asked()]).toEqual([120_000, 120_000, 1]);
    wait(31_000);
    expect([await skew(), asked()]).toEqual([151_000, 2]);
  });

  it("does not know it where nobody answers, or no time is said", async () => {
    expect(await probe(() => Promise.reject(new Error("refused"))).skew()).toBeNull();
    expect(await probe(() => Promise.resolve(new Response(null))).skew()).toBeNull();
  });
});
