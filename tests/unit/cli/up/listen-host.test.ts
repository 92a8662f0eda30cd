import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { edgePort } from "../../../../cli/up/free-port.ts";
import { listenHost } from "../../../../cli/up/listen-host.ts";

describe("listenHost()", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.2"],
    ["0.0.0.0", "0.0.0.0", "0.0.0.0", "127.0.0.1"],
    ["::", "::", "[::]", "[::1]"],
    ["[::]", "::", "[::]", "[::1]"],
    ["::1", "::1", "[::1]", "[::1]"],
    ["[::1]", "::1", "[::1]", "[::1]"],
    ["gpu.lan", "gpu.lan", "gpu.lan", "gpu.lan"],
  ])("%s is listened on as %s, written %s, called at %s", (text, ...[bare, inUrl, reachedAt]) => {
    expect(listenHost(text)).toEqual({ bare, inUrl, reachedAt });
  });

  it.each(["", "a b", "[1:2"])("refuses '%s'", (text) => {
    expect(() => listenHost(text)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});

describe("edgePort()", () => {
  it("returns the port asked for, and a real one for 0", async () => {
    const port = await edgePort(0, "127.0.0.1");
    expect(port).toBeGreaterThan(0);
    expect(await edgePort(port, "127.0.0.1")).toBe(port);
  });

  it("says that a port is in use at that address", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
    await expect(edgePort(port, "127.0.0.1")).rejects.toMatchObject({ code: "conflict" });
    await expect(edgePort(port, "127.0.0.2")).resolves.toBe(port);
    server.close();
  });

  it("says that an address is not of this machine", async () => {
    await expect(edgePort(0, "192.0.2.1")).rejects.toMatchObject({
      code: "invalid_input",
      message: "Cannot start the edge: '192.0.2.1' is no address of this machine",
    });
  });
});
