// A fleet with one pod, whose runs are slow enough to be met in the middle. Nobody watches a GPU, whatever the machine has.
import type { PodId } from "../../../contracts/ids.ts";
import { type EDGE_RUNTIMES, startTestFleet, type TestFleet } from "./fleet.ts";

export async function startPodFleet(
  runtime: typeof EDGE_RUNTIMES[number],
): Promise<{ fleet: TestFleet; podId: PodId }> {
  const fleet = await startTestFleet({
    runtime,
    standInArgs: ["--step-ms", "20"],
    env: { AGENT_NVIDIA_SMI: "no-such-nvidia-smi" },
  });
  const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
  if (pod) return { fleet, podId: pod.id };
  await fleet[Symbol.asyncDispose]();
  throw new Error("the fleet has no pod");
}
