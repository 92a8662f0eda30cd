// Previews that name no prompt, as an older ComfyUI and nodes of their own send them.
import { expect, it, vi } from "vitest";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import { succeeded, write } from "./early-steps.ts";
import { ServiceBench } from "./service-bench.ts";

it("go to the run that ComfyUI works on, not to the one before it whose outputs are still collected", async () => {
  await using bench = await ServiceBench.create();
  const first = await bench.accept();
  const second = await bench.accept({ after: first.attemptId });
  const seen: string[] = [];
  const stop = new AbortController();
  const watch = async (name: string, { attemptId }: AttemptReport) => {
    const events = bench.service.watch(attemptId, { previews: true }, stop.signal);
    for await (const event of events) if (event.type === "preview") seen.push(`${name} ${event.nodeId}`);
  };
  const watching = [watch("first", first), watch("second", second)];
  const preview = async (nodeId: string) => {
    const bytes = new Uint8Array([1]);
    bench.comfy.say({ type: "preview", promptId: null, nodeId, contentType: "image/png", bytes });
    await vi.waitFor(() => expect(seen.join()).toContain(nodeId));
  };
  await preview("a");

  const collecting = Promise.withResolvers<void>();
  const makeRoom = bench.workspace.makeRoom.bind(bench.workspace);
  vi.spyOn(bench.workspace, "makeRoom").mockImplementation(async (id, index) => {
    await collecting.promise;
    return await makeRoom(id, index);
  });
  const picture = { nodeId: "2", name: "a.png", text: "picture" };
  bench.comfy.finish(first.promptId, succeeded(await write(bench, first.attemptId, picture)));
  await bench.reportWhen(first.attemptId, ({ state }) => state === "collecting");
  await bench.reportWhen(second.attemptId, ({ state }) => state === "running");
  await preview("b");

  collecting.resolve();
  await bench.reportWhen(first.attemptId, ({ state }) => state === "succeeded");
  stop.abort();
  await Promise.all(watching);
  expect(seen).toEqual(["first a", "second b"]);
});
