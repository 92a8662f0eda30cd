// What a pod may answer that is no agent, or no honest one.
import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { createPodClient } from "../../../../client/mod.ts";
import { podId } from "../jobs/ids.ts";
import { until } from "../pods/pod-side.ts";
import { connectTo } from "./scripted-daemon.ts";
import { echo, failureOf, POD, setUp } from "./transport-fixture.ts";

const STRANGE: [string, string, string][] = [
  [
    "a change of the protocol",
    "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "agent_unreachable",
  ],
  ["a status that HTTP does not have", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok", "agent_incompatible"],
  ["one with a body without end", "HTTP/1.1 700 Odd\r\n\r\nsome", "agent_incompatible"],
];

/** Says the same to everybody, and leaves the connection open. */
async function stranger(text: string) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
    socket.once("data", () => socket.write(text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    sockets,
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.each(STRANGE)("to %s", (_, text, code) => {
  it("the transport says so, without a signal too, and lets go of the connection", async () => {
    await using there = await stranger(text);
    await using side = await setUp(echo);
    side.daemon.onDial = () => connectTo(there.port);
    expect(await failureOf(side.transport.fetch(POD, "/"))).toMatchObject({ code, details: { sent: true } });
    await until(() => there.sockets.size === 0);
  });

  it("an operator's client says so, and its process goes on", async () => {
    await using there = await stranger(text);
    const pod = createPodClient({ host: "pod-1", dial: () => connectTo(there.port), requestTimeoutMs: 20_000 });
    await expect(pod.call((trpc) => trpc.comfy.free.mutate())).rejects.toMatchObject({ code: "agent_unreachable" });
    await until(() => there.sockets.size === 0);
  });
});

describe("createTailnetTransport()", () => {
  it("tells whoever made a body that nobody reads it, when nothing is sent", async () => {
    await using side = await setUp(echo);
    const left: string[] = [];
    const body = (name: string) => new ReadableStream<Uint8Array>({ cancel: () => void left.push(name) });
    const put = { method: "PUT", duplex: "half" } as const;
    await failureOf(side.transport.fetch(podId(2), "/", { ...put, body: body("no peer") }));
    const signal = AbortSignal.abort(new Error("left"));
    await failureOf(side.transport.fetch(POD, "/", { ...put, body: body("aborted"), signal }));
    expect(left).toEqual(["no peer", "aborted"]);
  });
});
