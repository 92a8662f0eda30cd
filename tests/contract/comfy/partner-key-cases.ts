// extra_data.api_key_comfy_org: given to the nodes that ask for it, and what ComfyUI shows of it.
import { describe, expect, it } from "vitest";
import { digestOf, KEY, probeGraph } from "../../support/partner-key.ts";
import type { Target } from "./target.ts";
import { call, cancel, getJob, run, settle, submit, waitForStatus } from "./wire.ts";
import { slowGraph } from "./graphs.ts";

const extra_data = { api_key_comfy_org: KEY };

export function describePartnerKey(target: Target): void {
  describe("a partner key", () => {
    it("reaches the node that asks for it, and no other prompt's", async () => {
      const { outputs } = await run(target.server(), probeGraph("digest"), { extra_data });
      expect(outputs).toEqual({ "1": { text: [digestOf(KEY)] } });
      const without = await run(target.server(), probeGraph("digest"));
      expect(without.outputs).toEqual({ "1": { text: [digestOf("")] } });
    });

    it("is in neither queue, history nor job, before, in and after the run", async () => {
      await settle(target.server());
      const blocker = await submit(target.server(), slowGraph(), { extra_data });
      await waitForStatus(target.server(), blocker, "in_progress");
      const id = await submit(target.server(), probeGraph("digest"), { extra_data });
      const shown = async () => {
        const paths = ["/queue", "/history", `/api/jobs/${id}`, `/api/jobs/${blocker}`, "/api/jobs"];
        const texts = await Promise.all(paths.map(async (path) => (await call(target.server(), path)).text));
        return texts.join("\n");
      };
      const waiting = await shown();
      expect(waiting).toContain(id);
      expect(waiting).not.toContain(KEY);
      await cancel(target.server(), blocker);
      await waitForStatus(target.server(), id, "completed");
      expect(await shown()).not.toContain(KEY);
    });

    it("is among the inputs that ComfyUI tells of a node that fails, whatever the node says", async () => {
      const { id } = await run(target.server(), probeGraph("raise"), { extra_data });
      const { text } = await call(target.server(), `/history/${id}`);
      expect(text.replaceAll(" ", "")).toContain(`"api_key":["${KEY}"]`);
      expect(text).toContain(`the key is ${KEY}`);
      expect(JSON.stringify(await getJob(target.server(), id))).toContain(`the key is ${KEY}`);
    });
  });
}
