// The socket itself: first frame, ids, negotiation, reconnection.
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { imageGraph, slowGraph } from "./graphs.ts";
import { capture } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import { call, run, settle, submit, waitForStatus } from "./wire.ts";

export function describeSocket(target: Target): void {
  describe("socket", () => {
    it("/ws sends its status first, with the id that was given", async () => {
      await settle(target.server());
      const client = await capture(target.server(), { clientId: "agent-1" });
      expect(client.frames[0]).toEqual({
        type: "status",
        data: { status: { exec_info: { queue_remaining: 0 } }, sid: "agent-1" },
      });
      await client.close();
    });

    it("/ws gives an id of 32 hex digits to a client without one", async () => {
      const client = await capture(target.server(), { clientId: null });
      expect(client.clientId).toMatch(/^[0-9a-f]{32}$/);
      await client.close();
    });

    it("/ws answers feature_flags as the first message with what GET /features tells", async () => {
      const client = await capture(target.server(), { featureFlags: { supports_preview_metadata: true } });
      const answer = await client.waitFor(({ type }) => type === "feature_flags", "feature_flags");
      expect(answer.data).toEqual((await call(target.server(), "/features")).json);
      await client.close();
    });

    it("/ws ignores feature_flags as a later message", async () => {
      await settle(target.server());
      const client = await capture(target.server());
      client.send({ type: "hello", data: {} });
      client.send({ type: "feature_flags", data: { supports_preview_metadata: true } });
      // The frames of a job come after an answer would have come.
      const id = await submit(target.server(), slowGraph(2), { client_id: client.clientId });
      await client.waitForEnd(id);
      expect(client.frames.filter(({ type }) => type === "feature_flags")).toEqual([]);
      await client.close();
    });

    it("/ws survives a message that is no JSON", async () => {
      const client = await capture(target.server());
      client.send("not json");
      const id = await submit(target.server(), slowGraph(2), { client_id: client.clientId });
      expect((await client.waitForEnd(id)).data.node).toBeNull();
      await client.close();
    });

    it("/ws tells a returning client which node of its job runs, without the job's id", async () => {
      await settle(target.server());
      const before = await capture(target.server());
      const id = await submit(target.server(), slowGraph(), { client_id: before.clientId });
      await before.waitFor(({ type, data }) => type === "progress" && data.node === "3", "progress of node 3");
      await before.close();
      const after = await capture(target.server(), { clientId: before.clientId });
      const told = await after.waitFor(({ type }) => type === "executing", "the running node");
      expect(after.frames[0]?.type).toBe("status");
      expect(told.data).toEqual({ node: "3" });
      await settle(target.server());
      await after.waitForEnd(id);
      await after.close();
    });

    it("/ws keeps nothing for a client that was away", async () => {
      await settle(target.server());
      const clientId = crypto.randomUUID();
      await run(target.server(), imageGraph(), { client_id: clientId });
      const late = await capture(target.server(), { clientId });
      const own = await submit(target.server(), imageGraph(), { client_id: clientId });
      await late.waitForEnd(own);
      expect(new Set(late.frames.flatMap(({ data }) => data.prompt_id ?? []))).toEqual(new Set([own]));
      await late.close();
    });

    it("/ws ends with 1009 on a message over 4 MiB, and takes one below", async () => {
      const socket = new WebSocket(`${target.server().url.replace("http", "ws")}/ws`, { perMessageDeflate: false });
      await once(socket, "open");
      const closed = once(socket, "close");
      socket.on("error", () => undefined);
      socket.send("x".repeat(4 * 1024 * 1024 - 1));
      socket.send("x".repeat(4 * 1024 * 1024 + 1));
      expect((await closed)[0]).toBe(1009);
      const after = await capture(target.server());
      await after.close();
    });

    it("/ws tells every client how long the queue is", async () => {
      await settle(target.server());
      const [one, two] = [await capture(target.server()), await capture(target.server())];
      const id = await submit(target.server(), slowGraph(), { client_id: one.clientId });
      await waitForStatus(target.server(), id, "in_progress");
      const busy = { exec_info: { queue_remaining: 1 } };
      for (const client of [one, two]) {
        const frame = await client.waitFor(
          ({ type, data }) => type === "status" && JSON.stringify(data.status) === JSON.stringify(busy),
          "a queue of one",
        );
        expect(frame.data).toEqual({ status: busy });
      }
      await settle(target.server());
      await Promise.all([one.close(), two.close()]);
    });
  });
}
