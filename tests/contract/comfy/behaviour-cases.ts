// What an agent has to live with: a client that comes back too early is deaf, blur cannot be stopped, partial graphs run.
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { freshColor, imageGraph, slowGraph } from "./graphs.ts";
import { capture } from "./socket-capture.ts";
import type { Target } from "./target.ts";
import { call, getJob, post, run, settle, submit, waitForEnd, waitForStatus, waitUntil } from "./wire.ts";

/** ImageBlur of a batch: a second or more of work that reports nothing and heeds nothing. */
function blurGraph(frames: number) {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 256, height: 256, batch_size: 1, color: freshColor() } },
    "2": { class_type: "ImageBlur", inputs: { image: ["1", 0], blur_radius: 31, sigma: 5 } },
    ...Object.fromEntries(
      Array.from({ length: frames }, (_, at) => [
        String(at + 3),
        { class_type: "ImageBlur", inputs: { image: [String(at + 2), 0], blur_radius: 31, sigma: 5 } },
      ]),
    ),
    end: {
      class_type: "SaveImage",
      inputs: { images: [String(frames + 2), 0], filename_prefix: `blur/${crypto.randomUUID()}` },
    },
  };
}

export function describeBehaviour(target: Target): void {
  describe("behaviour", () => {
    it("a second socket of one client is deaf once the first one ends", async () => {
      await settle(target.server());
      const clientId = crypto.randomUUID();
      const first = await capture(target.server(), { clientId });
      const second = await capture(target.server(), { clientId });
      const before = await submit(target.server(), imageGraph(), { client_id: clientId });
      await second.waitForEnd(before);
      expect(first.typesOf(before)).toEqual([]);
      await first.close();
      // The server sees the end a little later than we do.
      await waitUntil("the second socket hears nothing more", async () => {
        const seen = second.frames.length;
        await run(target.server(), imageGraph(), { client_id: clientId });
        return second.frames.length === seen || undefined;
      });
      await second.close();
      const third = await capture(target.server(), { clientId });
      await third.waitForEnd(await submit(target.server(), imageGraph(), { client_id: clientId }));
      await third.close();
    });

    it("/ws takes compression when it is offered, under both addresses", async () => {
      const socket = new WebSocket(`${target.server().url.replace("http", "ws")}/api/ws?clientId=deflate`);
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      expect(socket.extensions).toContain("permessage-deflate");
      socket.terminate();
    });

    it("a node's text goes to every client as a binary frame with the node's id", async () => {
      const [owner, other] = [await capture(target.server()), await capture(target.server())];
      const id = await submit(target.server(), {
        "1": { class_type: "EmptyImage", inputs: { width: 24, height: 16, batch_size: 2, color: freshColor() } },
        "size": { class_type: "GetImageSize", inputs: { image: ["1", 0] } },
        "3": { class_type: "PreviewAny", inputs: { source: ["size", 0] } },
      }, { client_id: owner.clientId });
      await owner.waitForEnd(id);
      expect((await waitForEnd(target.server(), id)).outputs).toEqual({ "3": { text: ["24"] } });
      for (const { binaries } of [owner, other]) {
        const frame = await waitUntil("the text came", async () => binaries[0]);
        expect([frame.readUInt32BE(0), frame.readUInt32BE(4)]).toEqual([3, 4]);
        expect(frame.subarray(8).toString("utf8")).toBe("sizewidth: 24, height: 16\n batch size: 2");
      }
      await Promise.all([owner.close(), other.close()]);
    });

    it("ImageBlur reports no progress, and a cancel is heeded only at the next node", async () => {
      const client = await capture(target.server());
      const id = await submit(target.server(), blurGraph(8), { client_id: client.clientId });
      await client.waitFor(({ type, data }) => type === "executing" && data.node === "3", "the first of the blurs");
      await post(target.server(), `/api/jobs/${id}/cancel`, "");
      await client.waitForEnd(id);
      expect((await waitForEnd(target.server(), id)).status).toBe("cancelled");
      expect(client.typesOf(id)).not.toContain("progress");
      const stopped = client.frames.find(({ type }) => type === "execution_interrupted")?.data;
      expect(z.array(z.string()).parse(stopped?.executed)).toContain("2");
      await client.close();
    });

    it("ImageBlur over a border as wide as the picture fails when it runs", async () => {
      const job = await run(target.server(), {
        "1": { class_type: "EmptyImage", inputs: { width: 8, height: 4, batch_size: 2, color: freshColor() } },
        "2": { class_type: "ImageBlur", inputs: { image: ["1", 0], blur_radius: 4, sigma: 1 } },
        "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "border" } },
      });
      expect(job).toMatchObject({
        status: "failed",
        execution_error: {
          node_id: "2",
          exception_type: "RuntimeError",
          exception_message: expect.stringContaining("(4, 4) at dimension 2 of input [2, 3, 4, 8]"),
        },
      });
    });

    it("a graph of which one output is wrong runs without it, and says so with 200", async () => {
      const graph = { ...imageGraph(), "3": { class_type: "PreviewImage", inputs: {} } };
      const id = crypto.randomUUID();
      const answer = await post(target.server(), "/prompt", { prompt: graph, prompt_id: id });
      const { node_errors } = z.looseObject({ node_errors: z.record(z.string(), z.unknown()) }).parse(answer.json);
      expect([answer.status, Object.keys(node_errors)]).toEqual([200, ["3"]]);
      expect(Object.keys((await waitForEnd(target.server(), id)).outputs ?? {})).toEqual(["2"]);
    });

    it("an id that is used again shows its old result while the new one waits", async () => {
      const { id } = await run(target.server(), imageGraph());
      const blocker = await submit(target.server(), slowGraph());
      await waitForStatus(target.server(), blocker, "in_progress");
      await post(target.server(), "/prompt", { prompt: imageGraph(), prompt_id: id });
      expect((await getJob(target.server(), id))?.status).toBe("completed");
      await settle(target.server());
    });

    it("GET /api/jobs filters by workflow and sorts by duration", async () => {
      const workflow = crypto.randomUUID();
      const extra = { extra_data: { extra_pnginfo: { workflow: { id: workflow } } } };
      const slow = (await run(target.server(), slowGraph(300), extra)).id;
      const quick = (await run(target.server(), imageGraph(), extra)).id;
      const listed = async (order: string) => {
        const query = `workflow_id=${workflow}&sort_by=execution_duration&sort_order=${order}`;
        const { json } = await call(target.server(), `/api/jobs?${query}`);
        return z.looseObject({ jobs: z.array(z.looseObject({ id: z.string() })) }).parse(json).jobs.map(({ id }) => id);
      };
      expect([await listed("asc"), await listed("desc")]).toEqual([[quick, slow], [slow, quick]]);
    });

    it("a failed node leaves its traceback in the log, and the exception as a line of its own", async () => {
      await run(target.server(), imageGraph({ prefix: "../../outside" }));
      const log = await target.server().log();
      expect(log).toContain("!!! Exception during processing !!! ");
      expect(log).toMatch(/Traceback \(most recent call last\):\n/);
      expect(log).toMatch(/^Exception: .*Saving image outside the output folder is not allowed/m);
    });
  });
}
