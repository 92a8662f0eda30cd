import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { once } from "node:events";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { listenTcp } from "../../../../agent/http/listen.ts";

/** The kernel's timer of the server's end of a connection: `02` is the one that probes a silent peer. */
function timerOf(serverPort: number, clientPort: number): string | undefined {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").map((row) => row.trim().split(/\s+/));
  const row = rows.find(([, local, remote]) =>
    local?.endsWith(`:${hex(serverPort)}`) && remote?.endsWith(`:${hex(clientPort)}`)
  );
  return row?.[5]?.split(":")[0];
}

describe("listenTcp()", () => {
  it("probes connections that say nothing, so that those of a vanished edge end", async () => {
    const listener = await listenTcp(new Hono(), { host: "127.0.0.1", port: 0 });
    const port = Number(new URL(listener.address).port);
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const clientPort = (socket.address() as AddressInfo).port;
    await expect.poll(() => timerOf(port, clientPort)).toBe("02");
    socket.destroy();
    await listener.stop(100);
  });
});
