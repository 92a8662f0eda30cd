// What comes along with a report of the end alone is stored with its row: early outputs are many, and would add up.
import { expect, it } from "vitest";
import { reportOf } from "../../../support/agent-reports.ts";
import { setUpPodSide, until } from "../pods/pod-side.ts";
import { output, running } from "./attempt-steps.ts";

it("early outputs are fetched into the blob store, also where their bytes came along", async () => {
  await using side = await setUpPodSide();
  const { id, order } = await running(side);
  const early = { ...output(side, order, { text: "pixels" }), dataBase64: Buffer.from("pixels").toString("base64") };
  side.agent.report(reportOf(order, "running", { outputs: [early], rev: 11 }));
  await until(async () => (await side.job(id)).outputs.length === 1);
  expect(side.transport.requests.filter((name) => name.includes("/outputs/"))).toHaveLength(1);
  expect(await side.store.getAssetBytes(side.tenantId, early.sha256)).toBeNull();
});
